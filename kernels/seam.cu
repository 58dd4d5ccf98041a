// Fetched colors of a hole, shifted by the difference that its rim shows, carried smoothly inward.
//
// Twin: vrestore.ops.filters.seam.matched (Perez et al. 2003, section 3; Shepard 1968).
//   colors     (C, n + k), float: as fetched, those of the hole, then those of the rim
//   confidence  (n + k), float
//   known       (C, k), float: what the rim shows
//   points      (2, n + k), float: x, then y, whole pixels
//   matched     (C, n), float in [0, 1]
// Cells of `cell` pixels, `rows` by `columns` and MOST_CELLS at most, begin at (left, top).
// `steps` is what differences are counted in, so that their sum does not depend on the order of its parts:
// they are so large that all of the rim in one cell does not pass 2^31.
// Bytes that must move: 4 * (2*C*n + 2*C*k + 2*n + 3*k).
//
// Each block finds the surface for itself, which is little work, then takes its share of the hole.

#define THREADS 1024
#define MOST_CELLS 2048
#define PER_THREAD (MOST_CELLS / THREADS)
#ifndef CHANNELS
#define CHANNELS 1
#endif

// First a sum of differences in steps, then their mean, then the surface.
union Cell {
    int sum;
    float value;
};

extern "C" __global__ void __launch_bounds__(THREADS) seam(
    const float* __restrict__ colors, const float* __restrict__ confidence, const float* __restrict__ known,
    const float* __restrict__ points, float* __restrict__ matched, int hidden, int rim, int left, int top,
    int rows, int columns, int cell, float sure, float largest, float steps)
{
    __shared__ Cell shown[CHANNELS][MOST_CELLS];
    __shared__ int counts[MOST_CELLS];
    __shared__ int before[THREADS];
    __shared__ unsigned short seen[MOST_CELLS];
    const int thread = threadIdx.x, cells = rows * columns, count = hidden + rim;
    const float* const across = points;
    const float* const down = points + count;

    for (int i = thread; i < MOST_CELLS; i += THREADS) {
        counts[i] = 0;
        for (int c = 0; c < CHANNELS; ++c) shown[c][i].sum = 0;
    }
    __syncthreads();
    for (int i = thread; i < rim; i += THREADS) {
        const int place = hidden + i;
        if (confidence[place] > sure) {
            const int at = ((int)down[place] - top) / cell * columns + ((int)across[place] - left) / cell;
            atomicAdd(counts + at, 1);
            for (int c = 0; c < CHANNELS; ++c) {
                const float apart = known[(long long)c * rim + i] - colors[(long long)c * count + place];
                const float bounded = fminf(fmaxf(apart, -largest), largest);
                atomicAdd(&shown[c][at].sum, (int)rintf(bounded * steps));
            }
        }
    }
    __syncthreads();

    // Those cells that show something, in their order.
    const int first = thread * PER_THREAD;
    int own = 0;
    for (int i = 0; i < PER_THREAD; ++i) own += counts[first + i] > 0;
    before[thread] = own;
    for (int apart = 1; apart < THREADS; apart *= 2) {
        __syncthreads();
        const int added = thread >= apart ? before[thread - apart] : 0;
        __syncthreads();
        before[thread] += added;
    }
    __syncthreads();
    const int found = before[THREADS - 1];
    int next = before[thread] - own;
    for (int i = first; i < first + PER_THREAD; ++i) {
        if (counts[i] > 0) seen[next++] = i;
        for (int c = 0; c < CHANNELS; ++c) {
            const int sum = shown[c][i].sum;
            shown[c][i].value = counts[i] > 0 ? sum / (steps * counts[i]) : 0;
        }
    }
    __syncthreads();

    float surface[PER_THREAD][CHANNELS];
#pragma unroll
    for (int i = 0; i < PER_THREAD; ++i) {
        const int at = thread + i * THREADS, row = at / columns, column = at - row * columns;
        float total = 0;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) surface[i][c] = 0;
        for (int k = 0; at < cells && k < found; ++k) {
            const int other = seen[k], line = other / columns;
            const int y = row - line, x = column - (other - line * columns);
            const float apart = (float)(y * y) + 0.1f + (float)(x * x), weight = 1 / (apart * apart);
            total += weight;
#pragma unroll
            for (int c = 0; c < CHANNELS; ++c) surface[i][c] += weight * shown[c][other].value;
        }
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) surface[i][c] /= fmaxf(total, 1e-30f);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < PER_THREAD; ++i) {
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) shown[c][thread + i * THREADS].value = surface[i][c];
    }
    __syncthreads();

    const float scale = 1.0f / cell;
    for (int i = blockIdx.x * THREADS + thread; i < hidden; i += gridDim.x * THREADS) {
        // A value stands in the middle of its cell; beyond the outermost middles it stays.
        const float x = fmaxf(((int)across[i] - left + 0.5f) * scale - 0.5f, 0.0f);
        const float y = fmaxf(((int)down[i] - top + 0.5f) * scale - 0.5f, 0.0f);
        const int column = (int)x, row = (int)y, aside = column < columns - 1, under = row < rows - 1 ? columns : 0;
        const int corner = row * columns + column;
        for (int c = 0; c < CHANNELS; ++c) {
            const Cell* const at = shown[c] + corner;
            const float above = at[0].value + (x - column) * (at[aside].value - at[0].value);
            const float below = at[under].value + (x - column) * (at[under + aside].value - at[under].value);
            const float sum = colors[(long long)c * count + i] + above + (y - row) * (below - above);
            matched[(long long)c * hidden + i] = fminf(fmaxf(sum, 0.0f), 1.0f);
        }
    }
}
