// Adapters over weights of every kind, on tiny models with random weights against the float64 reference: merged into
// matrices while they are copied, rows of embedding and head replaced.
#include "tests/gpu/model_compare.h"

using namespace spanscope;
using check::compare;
using check::Features;
using check::TinyModel;

namespace {

uint64_t seed = 5000;
uint64_t next() { return ++seed; }

void testAdapters(bool shortRun) {
    for (const DType type : {DType::F32, DType::BF16, DType::F16, DType::Q8_0, DType::Q4_0, DType::Q4_1}) {
        for (const bool tied : {false, true}) {
            if (shortRun && tied && type != DType::Q8_0) continue;
            Features f;
            f.adapterRank = 5;
            f.adapterType = tied ? DType::BF16 : DType::F32;
            f.replacedRows = {0, 3, 4, 96};
            const DType kvType = type == DType::F32 ? DType::F32 : type == DType::BF16 ? DType::BF16 : DType::F16;
            // As tst_gpu_model: activations of 16 bits.
            const double tolerance = type == DType::F32 ? 1e-3 : type == DType::BF16 ? 5e-2 : 2e-2;
            for (const int nSequences : {1, 5})
                compare(TinyModel(2, 4, 2, 32, 64, 96, 97, type, tied, false, tied, next(), f), kvType, nSequences, 45,
                        8, tied, tolerance,
                        std::string("adapter over ") + dtypeName(type) + (tied ? ", tied head, " : ", ") +
                            std::to_string(nSequences) + " sequences",
                        next());
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (!check::haveGpu()) return 0;
    const bool shortRun = check::isShort(argc, argv);
    testAdapters(shortRun);
    return check::finish(shortRun ? "tst_gpu_adapters --short" : "tst_gpu_adapters");
}
