#include "engine/leak/readout.h"

#include <Eigen/SVD>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace spanscope {

namespace {

using Matrix = Eigen::MatrixXd;

Eigen::Index bestOf(const Matrix& scores, Eigen::Index row) {
    Eigen::Index best = 0;
    scores.row(row).maxCoeff(&best);
    return best;
}

/// Centred and scaled features, the singular vectors of the training rows, and what follows from them for any labels.
class Ridge {
  public:
    Ridge(const FeatureRows& rows, int32_t nTrain) : m_nTrain(nTrain) {
        using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        m_x = Eigen::Map<const RowMajor>(rows.features.data(), rows.nRows(), rows.nFeatures).cast<double>();
        const Eigen::RowVectorXd mean = m_x.topRows(nTrain).colwise().mean();
        m_x.rowwise() -= mean;
        Eigen::RowVectorXd scale = (m_x.topRows(nTrain).colwise().squaredNorm() / nTrain).cwiseSqrt();
        for (double& s : scale) s = s > 0 ? 1 / s : 0;  // what never changes in training says nothing
        m_x.array().rowwise() *= scale.array();
        m_svd.compute(m_x.topRows(nTrain), Eigen::ComputeThinU | Eigen::ComputeThinV);
        m_power = m_svd.singularValues().array().square();
    }

    Hits test(const std::vector<int32_t>& labels, int32_t nClasses) const {
        Matrix y = Matrix::Zero(m_nTrain, nClasses);
        for (int32_t i = 0; i < m_nTrain; ++i) y(i, labels[static_cast<size_t>(i)]) = 1;
        const Eigen::RowVectorXd share = y.colwise().mean();
        y.rowwise() -= share;
        const Matrix targets = m_svd.matrixU().transpose() * y;
        const Eigen::ArrayXd gain = m_svd.singularValues().array() / (m_power + penaltyFor(y, targets));
        const Matrix weights = m_svd.matrixV() * (targets.array().colwise() * gain).matrix();
        const auto nTest = static_cast<int32_t>(m_x.rows()) - m_nTrain;
        const Matrix scores =
            m_x.bottomRows(nTest) * weights;  // without the share of a class: the commonest is no answer
        Hits hits{0, nTest};
        for (int32_t i = 0; i < nTest; ++i)
            hits.right += bestOf(scores, i) == labels[static_cast<size_t>(m_nTrain + i)];
        return hits;
    }

  private:
    /// The penalty with the least squared error of rows left out.
    double penaltyFor(const Matrix& y, const Matrix& targets) const {
        const Matrix& u = m_svd.matrixU();
        double bestLoss = std::numeric_limits<double>::infinity(), best = 1;
        for (int exponent = -4; exponent <= 4; ++exponent) {
            const double penalty = std::pow(10.0, exponent) * std::max(m_power.mean(), 1e-12);
            const Eigen::ArrayXd kept = m_power / (m_power + penalty);
            const Matrix fitted = u * (targets.array().colwise() * kept).matrix();
            // What a row's own target does to its prediction; the centring's share of it is 1 / nTrain.
            const Eigen::ArrayXd own = (u.array().square().matrix() * kept.matrix()).array() + 1.0 / m_nTrain;
            const Eigen::ArrayXd others = (1 - own).max(1e-9);
            const double loss = ((y - fitted).array().colwise() / others).square().sum();
            if (loss >= bestLoss) continue;
            bestLoss = loss;
            best = penalty;
        }
        return best;
    }

    int32_t m_nTrain;
    Matrix m_x;
    Eigen::BDCSVD<Matrix> m_svd;
    Eigen::ArrayXd m_power;  // squared singular values
};

}  // namespace

Hits::Interval95 Hits::interval() const {
    if (n == 0) return {};
    const double z = 1.959964, m = n, p = share(), below = 1 + z * z / m;
    const double middle = (p + z * z / (2 * m)) / below;
    const double half = z * std::sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / below;
    return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::vector<Hits> readOut(const FeatureRows& rows, std::span<const std::vector<int32_t>> labellings, int32_t nClasses) {
    assert(rows.nRows() >= kFolds * nClasses);
    std::vector<Hits> hits(labellings.size());
    const auto n = static_cast<size_t>(rows.nRows()), block = static_cast<size_t>(nClasses),
               width = static_cast<size_t>(rows.nFeatures);
    for (size_t fold = 0; fold < kFolds; ++fold) {
        std::vector<size_t> order;  // those to learn from first
        int32_t nTrain = 0;
        for (const bool tested : {false, true}) {
            if (tested) nTrain = static_cast<int32_t>(order.size());
            for (size_t i = 0; i < n; ++i)
                if ((i / block % kFolds == fold) == tested) order.push_back(i);
        }
        FeatureRows sorted{rows.nFeatures, {}};
        for (const size_t i : order) {
            const auto row = std::span(rows.features).subspan(i * width, width);
            sorted.features.insert(sorted.features.end(), row.begin(), row.end());
        }
        const Ridge ridge(sorted, nTrain);
        for (size_t k = 0; k < labellings.size(); ++k) {
            std::vector<int32_t> labels;
            for (const size_t i : order) labels.push_back(labellings[k][i]);
            const Hits found = ridge.test(labels, nClasses);
            hits[k].right += found.right;
            hits[k].n += found.n;
        }
    }
    return hits;
}

}  // namespace spanscope
