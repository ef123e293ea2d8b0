#include "ui/views/whatif/whatif_table.h"

#include <limits>

#include "ui/model/format.h"

namespace spanscope {

WhatIfTable::WhatIfTable(const std::vector<CostRow>& rows, QObject* parent)
    : FigureTable(tr("What if"),
                  {{tr("Context"), tr("Tokens that a dense step may read"), false},
                   {tr("Attention"), tr("Dense, with the run's spans, or with nothing of the context read"), true},
                   {tr("Kind"), tr("Predicted by bytes, or measured: the median of a stretch of steps"), true},
                   {tr("Loaded"), tr("KV tokens loaded for a sequence, in whole pages, mean over layers"), false},
                   {tr("Weights"), tr("Time of reading the weights"), false},
                   {tr("Keys and values"), tr("Time of reading keys and values"), false},
                   {tr("Fixed"), tr("Time beside what is read"), false},
                   {tr("Step"), tr("Time of a step, of all sequences together"), false},
                   {tr("Rate"), tr("Tokens a second, of all sequences together"), false}},
                  parent),
      m_rows(rows) {
    rebuild();
}

QString WhatIfTable::cell(int row, int column) const {
    const CostRow& r = m_rows[size_t(row)];
    const auto time = [&r](double ns) { return r.measured ? kNoValue : formatDuration(qRound64(ns)); };
    const QString attention = QString::fromLatin1(r.attention);
    switch (column) {
        case Context: return formatCount(qRound64(r.context));
        case Attention:
            return attention == "nothing" ? tr("nothing read") : attention == "dense" ? tr("dense") : tr("spans");
        case Kind: return r.measured ? tr("measured") : tr("predicted");
        case Loaded: return formatNumber(r.time.loadedTokens);
        case Weights: return time(r.time.weightNs);
        case Kv: return time(r.time.kvNs);
        case Fixed: return time(r.time.fixedNs);
        case Step: return formatDuration(qRound64(r.ns()));
        case Rate: return formatRate(r.tokensPerS());
        default: return {};
    }
}

double WhatIfTable::key(int row, int column) const {
    const CostRow& r = m_rows[size_t(row)];
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    switch (column) {
        case Context: return r.context;
        case Attention: return r.attention[0];
        case Kind: return r.measured;
        case Loaded: return r.time.loadedTokens;
        case Weights: return r.measured ? kNothing : r.time.weightNs;
        case Kv: return r.measured ? kNothing : r.time.kvNs;
        case Fixed: return r.measured ? kNothing : r.time.fixedNs;
        case Step: return r.ns();
        case Rate: return r.tokensPerS();
        default: return kNothing;
    }
}

}  // namespace spanscope
