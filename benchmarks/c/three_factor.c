/* The rule "three-factor" of benchmarks/work/rules.py by hand: what a C programmer writes who knows the rule, the widths
 * and the machine. The same integers as hmn_lava's, bit for bit, random draws included (hmn_lava/streams.py).
 *
 *   dw = 2^-5*u0*t*y2 - 2^-6*u0*d*y3      weights: -256, -254, ..., 254
 *   dd = 2^-2*y0*x2 - 2^-4*u0*d           tag 2:   0 ... 255
 *   dt = 2^-1*y0*x1 - 2^-1*x0*y1 - 2^-5*u0*t    tag 1: -256 ... 255
 *
 * Accumulators have 7 fractional bits and 16 bits in all. Their saturation is written where it can happen. The implicit
 * down-scaling of t*y2 and d*y3 is 5 bits. A row of synapses belongs to one postsynaptic neuron, so y0 to y3 are
 * constants of a row, and what depends on the presynaptic neuron alone is prepared once in a step. */

#include <stdint.h>
#include <stdlib.h>

enum { TRACE_HIGH = 127, X1_IMPULSE = 64, X2_IMPULSE = 32, Y1_IMPULSE = 64, LEAK = 3, BLOCK = 256 };

static const uint32_t ODD = 0x9E3779;

/* All arrays belong to the caller. Rows of w, t and d are postsynaptic neurons. */
struct work {
    int32_t n_pre, n_post;
    int16_t *w, *t, *d;             /* n_post * n_pre */
    int32_t *x1, *x2;               /* n_pre */
    int32_t *y1, *y2, *y3;          /* n_post */
    int64_t *current;               /* n_post: sum of w * spike */
    uint8_t *spikes_before;         /* n_post: the host's, one step on their way */
    int32_t *reward_before;         /* 1 */
    int64_t *time;                  /* 1 */
    int32_t factor_1, factor_2;     /* 2^16 * exp(-1/tau) of x1 and x2 */
    const int32_t *keys;            /* 4 each: x1.decay, x2.decay, synapses */
    int32_t threads;
};

/* 24-bit words are kept in the upper bits of 32, which then wrap by themselves. */
static inline uint32_t squared(uint32_t y)
{
    int32_t high = (int32_t)y >> 20;
    uint32_t low = (y >> 8) & 0xFFF;
    return (uint32_t)high * (y + (low << 8)) + ((low * low >> 12) << 8);
}

/* The draw of hmn_lava.streams from its first word y = (index * ODD + a) << 8, in the upper bits of the result. */
static inline uint32_t drawn(uint32_t y, uint32_t b)
{
    uint32_t z = squared(y) + b;
    z = squared(z) + y;
    return squared(z) + y;
}

static inline uint32_t mixed(uint32_t x, int32_t k, int32_t l)
{
    return drawn((x * ODD + (uint32_t)k) << 8, (uint32_t)l << 8);
}

struct stream { uint32_t a, b; };

static struct stream stream_at(const int32_t *keys, int64_t step)
{
    struct stream s = { mixed((uint32_t)step, keys[0], keys[1]), mixed((uint32_t)step, keys[2], keys[3]) };
    return s;
}

static inline int32_t lower(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t higher(int32_t a, int32_t b) { return a > b ? a : b; }

static int32_t decayed(int32_t value, int32_t factor, struct stream s, uint32_t index)
{
    int32_t product = value * factor;
    int32_t draw = (int32_t)(drawn(((index * ODD) << 8) + s.a, s.b) >> 16);
    return (product >> 16) + (draw < (product & 0xFFFF));
}

static int32_t leaked(int32_t trace, int32_t grows)
{
    return lower(TRACE_HIGH, trace - ((trace + (1 << LEAK) - 1) >> LEAK) + grows);
}

/* The word of a synapse (hmn_lava.streams.words): all its variables draw from parts of it. */
static inline uint32_t word(uint32_t index, struct stream s)
{
    uint32_t h = index * 0x9E3779B1u + s.a;
    h ^= h >> 16;
    h = h * 0x21F0AAADu + s.b;
    h ^= h >> 15;
    h *= 0x735A2D97u;
    return h ^ h >> 15;
}

static inline int16_t settled(int32_t total, int bits, int high, uint32_t draw)
{
    return (int16_t)lower(high, (total >> bits) + ((int32_t)draw < (total & ((1 << bits) - 1))));
}

/* Accumulators of a block, rounded by chance and stored; those of weights only where there are any. */
static inline void settle(int16_t *restrict w, int16_t *restrict t, int16_t *restrict d,
                          const int16_t *restrict total_w, const int16_t *restrict total_t,
                          const int16_t *restrict total_d, int n, int weights, struct stream s, uint32_t first)
{
    for (int i = 0; i < n; i++) {
        uint32_t h = word(first + (uint32_t)i, s);
        if (weights)
            w[i] = (int16_t)(settled(total_w[i], 8, 127, h >> 24) << 1);
        t[i] = settled(total_t[i], 7, 255, h >> 14 & 127);
        d[i] = settled(total_d[i], 7, 255, h >> 3 & 127);
    }
}

/* The same where no accumulator of the block has a fraction. */
static inline void settle_whole(int16_t *restrict variable, const int16_t *restrict total, int n, int bits, int shift)
{
    for (int i = 0; i < n; i++)
        variable[i] = (int16_t)((total[i] >> bits) << shift);
}

/* What a row's synapses have in common in a step, and what the presynaptic neurons bring. */
struct step {
    struct stream words;
    int16_t *spike;      /* n_pre: 0 or 1 */
    int16_t *by_x1;      /* n_pre: x1 << 6 */
    int16_t *by_x2;      /* n_pre: x2 << 5 */
    int any_spike;
};

static void change(const struct work *k, const struct step *p, int j, int y0, int y1, int y2, int y3)
{
    int16_t total_w[BLOCK], total_t[BLOCK], total_d[BLOCK];
    for (int from = 0; from < k->n_pre; from += BLOCK) {
        int n = lower(BLOCK, k->n_pre - from);
        size_t at = (size_t)j * (size_t)k->n_pre + (size_t)from;
        int16_t *restrict w = k->w + at, *restrict t = k->t + at, *restrict d = k->d + at;
        const int16_t *restrict spike = p->spike + from;
        const int16_t *restrict by_x1 = p->by_x1 + from, *restrict by_x2 = p->by_x2 + from;
        int32_t fraction_t = 0, fraction_d = 0, fraction_w = 0;
        if (y0 || (p->any_spike && y1)) {
            int16_t loss = (int16_t)(y1 << 6), gain = y0 ? -1 : 0;
            for (int i = 0; i < n; i++) {
                int32_t sum = lower(32767, t[i] * 128 + (by_x1[i] & gain));
                sum = higher(-32768, sum - spike[i] * loss) - t[i] * 4;
                total_t[i] = (int16_t)sum;
                fraction_t |= sum;
            }
        } else {
            for (int i = 0; i < n; i++) {
                total_t[i] = (int16_t)(t[i] * 124);
                fraction_t |= total_t[i];
            }
        }
        if (y0) {
            for (int i = 0; i < n; i++) {
                total_d[i] = (int16_t)(lower(32767, d[i] * 128 + by_x2[i]) - d[i] * 8);
                fraction_d |= total_d[i];
            }
        } else {
            for (int i = 0; i < n; i++) {
                total_d[i] = (int16_t)(d[i] * 120);
                fraction_d |= total_d[i];
            }
        }
        if (y2 || y3) {
            for (int i = 0; i < n; i++) {
                int32_t sum = w[i] * 128 + (t[i] * y2 >> 5) * 4;
                sum = lower(32767, higher(-32768, sum));
                sum = higher(-32768, sum + (-d[i] * y3 >> 5) * 2);
                total_w[i] = (int16_t)sum;
                fraction_w |= sum;
            }
        }
        if ((fraction_w & 255) | (fraction_t & 127) | (fraction_d & 127)) {
            if (y2 || y3)
                settle(w, t, d, total_w, total_t, total_d, n, 1, p->words, (uint32_t)at);
            else
                settle(w, t, d, total_w, total_t, total_d, n, 0, p->words, (uint32_t)at);
        } else {
            if (y2 || y3)
                settle_whole(w, total_w, n, 8, 1);
            settle_whole(t, total_t, n, 7, 0);
            settle_whole(d, total_d, n, 7, 0);
        }
    }
}

static void presynaptic(const struct work *k, struct step *p, const uint8_t *pre)
{
    int64_t step = *k->time + 1;
    struct stream x1 = stream_at(k->keys, step), x2 = stream_at(k->keys + 4, step);
    p->words = stream_at(k->keys + 8, step);
    p->any_spike = 0;
    for (int i = 0; i < k->n_pre; i++) {
        int spike = pre[i] != 0;
        k->x1[i] = lower(TRACE_HIGH, decayed(k->x1[i], k->factor_1, x1, (uint32_t)i) + spike * X1_IMPULSE);
        k->x2[i] = lower(TRACE_HIGH, decayed(k->x2[i], k->factor_2, x2, (uint32_t)i) + spike * X2_IMPULSE);
        p->spike[i] = (int16_t)spike;
        p->by_x1[i] = (int16_t)(k->x1[i] << 6);
        p->by_x2[i] = (int16_t)(k->x2[i] << 5);
        p->any_spike |= spike;
    }
}

/* The neuron of row j in this step, then its row. */
static void row(const struct work *k, const struct step *p, int j, int y0, int32_t reward)
{
    k->y1[j] = leaked(k->y1[j], y0 * Y1_IMPULSE);
    k->y2[j] = leaked(k->y2[j], higher(reward, 0));
    k->y3[j] = leaked(k->y3[j], higher(-reward, 0));
    int32_t current = 0;
    const int16_t *restrict w = k->w + (size_t)j * (size_t)k->n_pre;
    for (int i = 0; i < k->n_pre; i++)
        current += w[i] * p->spike[i];
    k->current[j] = current;
    change(k, p, j, y0, k->y1[j], k->y2[j], k->y3[j]);
}

/* ``steps`` steps. Rows of ``pre`` (steps, n_pre), ``spikes`` (steps, n_post) and ``reward`` (steps) are the host's
 * input; what it sends to the neurons arrives one step later. Returns 0, or -1 where memory is short. */
int run(const struct work *k, const uint8_t *pre, const uint8_t *spikes, const int32_t *reward, int64_t steps)
{
    size_t n_pre = (size_t)k->n_pre, n_post = (size_t)k->n_post;
    struct step p;
    int16_t *room = malloc(3 * n_pre * sizeof *room);
    if (!room)
        return -1;
    p.spike = room, p.by_x1 = room + n_pre, p.by_x2 = room + 2 * n_pre;
#pragma omp parallel num_threads(k->threads)
    for (int64_t s = 0; s < steps; s++) {
        const uint8_t *y0 = s ? spikes + (size_t)(s - 1) * n_post : k->spikes_before;
        int32_t given = s ? reward[s - 1] : *k->reward_before;
#pragma omp single
        {
            presynaptic(k, &p, pre + (size_t)s * n_pre);
            *k->time += 1;
        }
#pragma omp for schedule(static)
        for (int j = 0; j < k->n_post; j++)
            row(k, &p, j, y0[j] != 0, given);
    }
    free(room);
    if (steps > 0) {
        for (size_t j = 0; j < n_post; j++)
            k->spikes_before[j] = spikes[(size_t)(steps - 1) * n_post + j];
        *k->reward_before = reward[steps - 1];
    }
    return 0;
}
