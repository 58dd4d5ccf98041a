// Continue known values smoothly into where nothing is known: the whole pyramid of a channel in one launch.
//
// Twin: vrestore.ops.filters.membrane.membrane (Perez, Gangnet and Blake 2003, eq. 2, coarse to fine).
//   values   (C, H, W), float
//   known    (H, W), one byte each, 0 is unknown
//   result   (C, H, W), float
//   room     (C, levels + 2 * H * W), float: the levels of the pyramid, no number where nothing is known, and
//            two surfaces; `levels` is that many values
// Bytes that must move: 9*H*W for a channel. Many small steps wait for each other: time is latency, not bytes.
//
// A block takes one channel, so that its steps wait for their own threads only. The part around the unknown
// pixels is found here, as it decides the cells: the host need not wait for it.

#define UNKNOWN __uint_as_float(0x7fffffffu)

__device__ __forceinline__ bool is_number(float value) { return value == value; }

// The mean of what is known of four values; no number where nothing is.
__device__ __forceinline__ float mean_of_known(const float* level, int height, int width, int row, int column)
{
    float sum = 0;
    int count = 0;
#pragma unroll
    for (int corner = 0; corner < 4; ++corner) {
        const int y = 2 * row + corner / 2, x = 2 * column + corner % 2;
        if (y < height && x < width) {
            const float value = level[y * width + x];
            if (is_number(value)) {
                sum += value;
                ++count;
            }
        }
    }
    return count ? sum / count : UNKNOWN;
}

// Where a pixel's middle lies between the middles of coarser ones; as span(), for two grids over one picture.
struct Between {
    int low, high;
    float part;
};

__device__ __forceinline__ Between between(int place, int count, int coarse)
{
    const float at = fmaxf((place + 0.5f) * ((float)coarse / count) - 0.5f, 0.0f);
    Between found;
    found.low = min((int)at, coarse - 1);
    found.high = min(found.low + 1, coarse - 1);
    found.part = at - found.low;
    return found;
}

extern "C" __global__ void __launch_bounds__(1024) membrane(
    const float* __restrict__ values, const unsigned char* __restrict__ known, float* __restrict__ result,
    float* __restrict__ room, int height, int width, int levels, int surroundings, int relaxations,
    int finest_relaxations)
{
    __shared__ int box[4];
    __shared__ float start;
    const int area = height * width;
    const long long channel = blockIdx.x;
    values += channel * area;
    result += channel * area;
    room += channel * (levels + 2LL * area);

    if (threadIdx.x < 4) box[threadIdx.x] = threadIdx.x < 2 ? 0x7fffffff : -1;
    __syncthreads();
    int first_row = 0x7fffffff, first_column = 0x7fffffff, last_row = -1, last_column = -1;
    for (int i = threadIdx.x; i < area; i += blockDim.x) {
        result[i] = values[i];
        if (!known[i]) {
            const int row = i / width, column = i - row * width;
            first_row = min(first_row, row);
            first_column = min(first_column, column);
            last_row = max(last_row, row);
            last_column = max(last_column, column);
        }
    }
    if (last_row >= 0) {
        atomicMin(box, first_row);
        atomicMin(box + 1, first_column);
        atomicMax(box + 2, last_row);
        atomicMax(box + 3, last_column);
    }
    __syncthreads();
    if (box[2] < 0) return;
    const int top = max(0, box[0] - surroundings), left = max(0, box[1] - surroundings);
    const int rows = min(height, box[2] + 1 + surroundings) - top;
    const int columns = min(width, box[3] + 1 + surroundings) - left;

    float* level = room;
    for (int i = threadIdx.x; i < rows * columns; i += blockDim.x) {
        const int row = i / columns, place = (top + row) * width + left + i - row * columns;
        level[i] = known[place] ? values[place] : UNKNOWN;
    }
    int h = rows, w = columns, depth = 0;
    while (min(h, w) > 2) {
        __syncthreads();
        const int lower = (h + 1) / 2, narrower = (w + 1) / 2;
        float* const next = level + h * w;
        for (int i = threadIdx.x; i < lower * narrower; i += blockDim.x) {
            const int row = i / narrower;
            next[i] = mean_of_known(level, h, w, row, i - row * narrower);
        }
        level = next;
        h = lower;
        w = narrower;
        ++depth;
    }
    __syncthreads();

    float* surface = room + levels;
    float* other = surface + area;
    if (threadIdx.x == 0) {
        float sum = 0;
        int count = 0;
        for (int i = 0; i < h * w; ++i) {
            if (is_number(level[i])) {
                sum += level[i];
                ++count;
            }
        }
        start = sum / max(count, 1);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < h * w; i += blockDim.x) surface[i] = is_number(level[i]) ? level[i] : start;

    while (depth > 0) {
        __syncthreads();
        --depth;
        const int coarse_h = h, coarse_w = w;
        h = rows;
        w = columns;
        level = room;
        for (int i = 0; i < depth; ++i) {
            level += h * w;
            h = (h + 1) / 2;
            w = (w + 1) / 2;
        }
        for (int i = threadIdx.x; i < h * w; i += blockDim.x) {
            float value = level[i];
            if (!is_number(value)) {
                const int row = i / w;
                const Between y = between(row, h, coarse_h), x = between(i - row * w, w, coarse_w);
                const float* const low = surface + y.low * coarse_w;
                const float* const high = surface + y.high * coarse_w;
                const float above = low[x.low] + x.part * (low[x.high] - low[x.low]);
                const float below = high[x.low] + x.part * (high[x.high] - high[x.low]);
                value = above + y.part * (below - above);
            }
            other[i] = value;
        }
        for (int turn = depth ? relaxations : finest_relaxations; turn > 0; --turn) {
            __syncthreads();
            float* const swapped = surface;
            surface = other;
            other = swapped;
            for (int i = threadIdx.x; i < h * w; i += blockDim.x) {
                float value = level[i];
                if (!is_number(value)) {
                    const int row = i / w, column = i - row * w;
                    // At the border the pixel stands for the one beyond it.
                    value = 0.25f * (surface[row > 0 ? i - w : i] + surface[row < h - 1 ? i + w : i]
                        + surface[column > 0 ? i - 1 : i] + surface[column < w - 1 ? i + 1 : i]);
                }
                other[i] = value;
            }
        }
        float* const swapped = surface;
        surface = other;
        other = swapped;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < rows * columns; i += blockDim.x) {
        const int row = i / columns, place = (top + row) * width + left + i - row * columns;
        if (!known[place]) result[place] = surface[i];
    }
}
