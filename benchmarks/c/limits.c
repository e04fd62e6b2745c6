/* What the machine can do: memory traffic and 32-bit integer arithmetic, on ``threads`` threads. */

#include <stdint.h>
#include <stddef.h>

/* a = b + 3 c, ``times`` over: three words of traffic for each element. */
void triad(int32_t *restrict a, const int32_t *restrict b, const int32_t *restrict c, int64_t n, int64_t times,
           int32_t threads)
{
#pragma omp parallel num_threads(threads)
    for (int64_t k = 0; k < times; k++) {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i++)
            a[i] = b[i] + 3 * c[i];
    }
}

enum { LANES = 128 };

/* Chains of x = x*m + a in registers: 2 operations for each of LANES lanes and each of ``times``. */
int32_t multiply_add(int64_t times, int32_t m, int32_t a, int32_t threads)
{
    uint32_t all = 0;
#pragma omp parallel num_threads(threads) reduction(+ : all)
    {
        uint32_t x[LANES];
        for (int i = 0; i < LANES; i++)
            x[i] = (uint32_t)i;
        for (int64_t k = 0; k < times; k++)
            for (int i = 0; i < LANES; i++)
                x[i] = x[i] * (uint32_t)m + (uint32_t)a;
        for (int i = 0; i < LANES; i++)
            all += x[i];
    }
    return (int32_t)all;
}

/* Chains of x = min(x + (x >> 3), a) ^ m: 4 operations that need no multiplier. */
int32_t simple(int64_t times, int32_t m, int32_t a, int32_t threads)
{
    uint32_t all = 0;
#pragma omp parallel num_threads(threads) reduction(+ : all)
    {
        int32_t x[LANES];
        for (int i = 0; i < LANES; i++)
            x[i] = i;
        for (int64_t k = 0; k < times; k++)
            for (int i = 0; i < LANES; i++) {
                int32_t y = x[i] + (x[i] >> 3);
                x[i] = (y < a ? y : a) ^ m;
            }
        for (int i = 0; i < LANES; i++)
            all += (uint32_t)x[i];
    }
    return (int32_t)all;
}
