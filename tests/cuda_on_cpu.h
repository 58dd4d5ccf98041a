// What a kernel's text needs to be plain C++: stands in front of it, see cuda_on_cpu.py.
//
// A block's threads are fibres. They run one after the other until each is done or waits for the others;
// a warp's exchange of values is such a meeting of the whole block, and it is an error if some do not come.
// What a block shares is what all share, since blocks run one after the other.

#define HOST
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __shared__ static

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

using std::max;
using std::min;

struct dim3 {
    unsigned int x, y;
};
struct alignas(8) uint2 {
    unsigned int x, y;
};
struct alignas(16) uint4 {
    unsigned int x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

static dim3 threadIdx, blockIdx, blockDim, gridDim;

inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline unsigned int __float_as_uint(float value)
{
    unsigned int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __uint_as_float(unsigned int bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline float half_value(unsigned short bits)
{
    const float sign = bits & 0x8000 ? -1.0f : 1.0f;
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * std::ldexp((float)fraction, -24);
    return sign * std::ldexp((float)(fraction + 1024), exponent - 25);
}

inline unsigned short half_bits(float value)
{
    const unsigned short sign = std::signbit(value) ? 0x8000 : 0;
    if (value != value) return 0x7fff;
    const float size = std::fabs(value);
    if (size == 0) return sign;
    if (size >= 65520.0f) return sign | 0x7c00;
    int exponent = 0;
    std::frexp(size, &exponent);
    // Steps of 2^-24 below the smallest normal number, of 2^-11 of the leading power above; ties to even.
    const int step = std::max(exponent - 11, -24);
    const int steps = (int)std::nearbyint(std::ldexp(size, -step));
    return sign | (unsigned short)(step == -24 ? steps : steps + ((step + 24) << 10));
}

namespace fibres {

const size_t STACK = 64 * 1024;

struct Fibre {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(STACK);
    bool is_done = false;
};

static std::vector<Fibre> all;
static std::vector<float> exchanged;
static ucontext_t scheduler;
static size_t current;
static std::function<void()> work;

inline void begin()
{
    work();
    all[current].is_done = true;
}

inline void wait() { swapcontext(&all[current].context, &scheduler); }

inline void run_block()
{
    for (Fibre& fibre : all) {
        fibre.is_done = false;
        getcontext(&fibre.context);
        fibre.context.uc_stack.ss_sp = fibre.stack.data();
        fibre.context.uc_stack.ss_size = fibre.stack.size();
        fibre.context.uc_link = &scheduler;
        makecontext(&fibre.context, begin, 0);
    }
    for (size_t done = 0; done < all.size();) {
        done = 0;
        for (current = 0; current < all.size(); ++current) {
            threadIdx = {(unsigned int)(current % blockDim.x), (unsigned int)(current / blockDim.x)};
            swapcontext(&scheduler, &all[current].context);
            done += all[current].is_done;
        }
        if (done && done < all.size()) {
            std::fprintf(stderr, "%zu of %zu threads left the others waiting\n", done, all.size());
            std::abort();
        }
    }
}

template <class... Types, size_t... I>
void call(void (*kernel)(Types...), void** arguments, std::index_sequence<I...>)
{
    kernel(*static_cast<Types*>(arguments[I])...);
}

template <class... Types>
void launch(void (*kernel)(Types...), int blocks, int across, int down, void** arguments)
{
    gridDim = {(unsigned int)blocks, 1};
    blockDim = {(unsigned int)across, (unsigned int)down};
    all = std::vector<Fibre>(across * down);
    exchanged.assign(across * down, 0);
    work = [=] { call(kernel, arguments, std::index_sequence_for<Types...>()); };
    for (int block = 0; block < blocks; ++block) {
        blockIdx = {(unsigned int)block, 0};
        run_block();
    }
}

}  // namespace fibres

inline void __syncthreads() { fibres::wait(); }

// Fibres do not interrupt each other.
inline int atomicMin(int* place, int value) { return std::exchange(*place, min(*place, value)); }

inline int atomicMax(int* place, int value) { return std::exchange(*place, max(*place, value)); }

inline int atomicAdd(int* place, int value) { return std::exchange(*place, *place + value); }

inline float __shfl_xor_sync(unsigned int, float value, int apart)
{
    const size_t own = fibres::current, other = own ^ apart;
    if (other >= fibres::exchanged.size()) std::abort();
    fibres::exchanged[own] = value;
    fibres::wait();
    const float received = fibres::exchanged[other];
    fibres::wait();
    return received;
}
