// A linear read-out: which of some classes a vector of features belongs to, learned by ridge regression on one-hot
// targets, its penalty chosen by leaving one out of the training rows. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spanscope {

/// Right answers among those looked at.
struct Hits {
    int32_t right = 0, n = 0;
    double share() const { return n > 0 ? static_cast<double>(right) / n : 0; }
    /// Wilson's 95% interval of the share (Wilson 1927); {0, 1} where n is 0.
    struct Interval95 {
        double low = 0, high = 1;
    };
    Interval95 interval() const;
};

/// Rows are samples.
struct FeatureRows {
    int32_t nFeatures = 0;
    std::vector<float> features;  ///< (rows, nFeatures), finite
    int32_t nRows() const { return nFeatures > 0 ? static_cast<int32_t>(features.size()) / nFeatures : 0; }
};

inline constexpr int32_t kFolds = 4;

/// For each labelling (rows), 0 to nClasses - 1: cross-validation. Blocks of nClasses rows are told in turn from what
/// the others teach, so that each row is tested once, by weights that have not seen it; where a block has each label
/// once, no label is commoner than another in what is learned from. Features are centred and scaled by what the
/// training rows say. Requires kFolds * nClasses rows or more.
std::vector<Hits> readOut(const FeatureRows& rows, std::span<const std::vector<int32_t>> labellings, int32_t nClasses);

}  // namespace spanscope
