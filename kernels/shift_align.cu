// Shift-and-align: channels of the next and the previous frame, read where the flow says, in one pass.
//
// Twin: vrestore.ops.warp.shift_align.shift_align (Zou et al., CVPR 2021; what is peculiar there is told there).
// Two kernels, since one motion serves every layer of a scale:
//
// place: flow and doubt at any size -> where each pixel is read and how far that is trusted.
//   forward, backward                 (P, 2, h, w), float
//   forward_doubt, backward_doubt     (P, 1, h, w), float
//   placed                            (2, P, H, W, 4), float: x, y, trust, 0; forward first
// Flow is the mean over trusted pixels, or with `official` that of the nearest. A thread takes one pixel.
//
// shift_align: features -> features, channels-last.
//   features    (T, H, W, C), ELEMENT
//   placed      (2, T - 1, H, W, 4), float
//   aligned     (T, H, W, C), ELEMENT
// Channels [0, fold) are from t+1, [fold, 2*fold) from t-1, the rest the frame's own; ends are own or 0.
// Outside a picture its outermost pixels go on, with `official` it is 0 and not read.
// Bytes that must move: T*H*W*C * 2*sizeof(ELEMENT) + (T-1)*H*W * 32.
//
// Work is by pairs: a group of threadIdx.x lanes takes one pixel of frames t and t+1, gives frame t what it
// gets from t+1 and what it keeps, and frame t+1 what it gets from t. So the published test, whose sum over
// the channels read from t+1 judges both directions, is made once. Lanes hold neighboring channels, VECTOR
// each; a block takes a two-dimensional tile of pixels, whose neighbors meet in the first-level cache.
// VECTOR divides C and fold; blockDim.x is a power of 2 up to 32 and blockDim.y divides TILE, so that all
// lanes of a warp make every turn of the loop and may add up their sums.

#ifndef TILE_WIDTH
#define TILE_WIDTH 16
#endif
#ifndef TILE_HEIGHT
#define TILE_HEIGHT 4
#endif
#define TILE (TILE_WIDTH * TILE_HEIGHT)

__device__ __forceinline__ float evenly(int index, int count)
{
    // torch.linspace(-1, 1, count)[index]
    if (count == 1) return -1;
    const float step = 2.0f / (count - 1);
    return index < count / 2 ? -1 + step * index : 1 - step * (count - 1 - index);
}

// The published grid: corners aligned when it is made, not aligned when it is read.
__device__ __forceinline__ float mixed(int index, float flow, int count)
{
    return ((evenly(index, count) + 2 * flow / count + 1) * count - 1) / 2;
}

__device__ __forceinline__ int nearest(int index, int count, int source)
{
    return min((int)floorf(index * ((float)source / count)), source - 1);
}

__device__ __forceinline__ float4 place_official(
    const float* flow, const float* doubt, int x, int y, int height, int width, int rows, int columns)
{
    const long long from = (long long)nearest(y, height, rows) * columns + nearest(x, width, columns);
    const float dx = flow[from] * ((float)width / columns);
    const float dy = flow[(long long)rows * columns + from] * ((float)height / rows);
    return make_float4(mixed(x, dx, width), mixed(y, dy, height), doubt[from] < 1 ? 1.0f : 0.0f, 0);
}

__device__ __forceinline__ float4 place_mean(
    const float* flow, const float* doubt, int x, int y, int height, int width, int rows, int columns)
{
    const int top = (long long)y * rows / height, bottom = ((long long)(y + 1) * rows + height - 1) / height;
    const int left = (long long)x * columns / width;
    const int right = ((long long)(x + 1) * columns + width - 1) / width;
    float share = 0, dx = 0, dy = 0;
    for (int row = top; row < bottom; ++row) {
        for (int column = left; column < right; ++column) {
            const long long from = (long long)row * columns + column;
            const float trust = 1 - doubt[from];
            share += trust;
            dx += trust * flow[from];
            dy += trust * flow[(long long)rows * columns + from];
        }
    }
    const float area = (bottom - top) * (right - left);
    const float scale = 1 / fmaxf(share, 1e-6f * area);
    const float to_x = x + dx * scale * ((float)width / columns);
    const float to_y = y + dy * scale * ((float)height / rows);
    const bool inside = to_x >= -0.5f && to_x <= width - 0.5f && to_y >= -0.5f && to_y <= height - 0.5f;
    return make_float4(to_x, to_y, inside ? share / area : 0, 0);
}

extern "C" __global__ void __launch_bounds__(256) place(
    const float* __restrict__ forward, const float* __restrict__ backward,
    const float* __restrict__ forward_doubt, const float* __restrict__ backward_doubt,
    float4* __restrict__ placed, int pairs, int height, int width, int rows, int columns, int official)
{
    const long long area = (long long)height * width, source = (long long)rows * columns;
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < 2 * pairs * area; i += step) {
        const int picture = i / area;
        const int pixel = i - picture * area;
        const int x = pixel % width, y = pixel / width;
        const bool ahead = picture < pairs;
        const long long pair = ahead ? picture : picture - pairs;
        const float* const flow = (ahead ? forward : backward) + 2 * pair * source;
        const float* const doubt = (ahead ? forward_doubt : backward_doubt) + pair * source;
        placed[i] = official ? place_official(flow, doubt, x, y, height, width, rows, columns)
                             : place_mean(flow, doubt, x, y, height, width, rows, columns);
    }
}

__device__ __forceinline__ Corners around(float4 point, int height, int width, int channels, bool border)
{
    return corners(span(0, point.x, width, border), span(0, point.y, height, border), width, channels);
}

// Sum over the lanes of a group, the same in all of them; every lane of the warp takes part.
__device__ __forceinline__ float summed(float value)
{
    for (int apart = blockDim.x / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(~0u, value, apart);
    return value;
}

__device__ __forceinline__ float sum_read(const ELEMENT* neighbor, const Corners& at, int fold)
{
    float sum = 0;
    for (int channel = threadIdx.x * VECTOR; channel < fold; channel += blockDim.x * VECTOR) {
        float values[VECTOR];
        read(neighbor + channel, at, values);
#pragma unroll
        for (int i = 0; i < VECTOR; ++i) sum += values[i];
    }
    return sum;
}

// What is trusted of the neighbor and the rest of one's own; what has no say is not read.
__device__ __forceinline__ void blend(
    ELEMENT* target, const ELEMENT* neighbor, const ELEMENT* own, const Corners& at, float trust, int fold)
{
    for (int channel = threadIdx.x * VECTOR; channel < fold; channel += blockDim.x * VECTOR) {
        float values[VECTOR];
        if (trust != 0) read(neighbor + channel, at, values);
        if (trust != 1) {
            const Word kept = load(own + channel);
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) {
                const float mine = to_float(kept.elements[i]);
                values[i] = trust != 0 ? trust * values[i] + (1 - trust) * mine : mine;
            }
        }
        store(target + channel, values);
    }
}

// Channels of a frame itself, or nothing.
__device__ __forceinline__ void keep(ELEMENT* target, const ELEMENT* own, int first, int stop, bool is_zero)
{
    for (int channel = first + threadIdx.x * VECTOR; channel < stop; channel += blockDim.x * VECTOR) {
        Word word;
        word.whole = {};
        if (!is_zero) word = load(own + channel);
        *reinterpret_cast<decltype(word.whole)*>(target + channel) = word.whole;
    }
}

extern "C" __global__ void __launch_bounds__(256) shift_align(
    const ELEMENT* __restrict__ features, const float4* __restrict__ placed, ELEMENT* __restrict__ aligned,
    int frames, int channels, int height, int width, int fold, int official, int keep_ends)
{
    const int across = (width + TILE_WIDTH - 1) / TILE_WIDTH;
    const int down = (height + TILE_HEIGHT - 1) / TILE_HEIGHT;
    const long long area = (long long)height * width, size = area * channels;
    for (int tile = blockIdx.x; tile < frames * down * across; tile += gridDim.x) {
        const int row = tile / across, t = row / down;
        const int left = (tile - row * across) * TILE_WIDTH, top = row % down * TILE_HEIGHT;
        const bool is_last = t == frames - 1;
        const ELEMENT* const frame = features + t * size;
        ELEMENT* const result = aligned + t * size;
        for (int turn = threadIdx.y; turn < TILE; turn += blockDim.y) {
            const int x = left + turn % TILE_WIDTH, y = top + turn / TILE_WIDTH;
            const bool is_inside = x < width && y < height;
            const long long pixel = (long long)y * width + x, own = pixel * channels;
            float4 next = make_float4(0, 0, 0, 0), previous = next;
            if (is_inside && !is_last) {
                next = placed[t * area + pixel];
                previous = placed[((long long)(frames - 1) + t) * area + pixel];
            }
            const Corners at_next = around(next, height, width, channels, !official);
            if (official && !is_last) {
                const float sum = summed(is_inside ? sum_read(frame + size, at_next, fold) : 0);
                if (sum == 0) next.z = previous.z = 0;
            }
            if (!is_inside) continue;
            keep(result + own, frame + own, 2 * fold, channels, false);
            if (is_last) {
                keep(result + own, frame + own, 0, fold, !keep_ends);
                keep(aligned + own, features + own, fold, 2 * fold, !keep_ends);
            } else {
                const Corners at_previous = around(previous, height, width, channels, !official);
                blend(result + own, frame + size, frame + own, at_next, next.z, fold);
                blend(result + size + own + fold, frame + fold, frame + size + own + fold, at_previous,
                    previous.z, fold);
            }
        }
    }
}
