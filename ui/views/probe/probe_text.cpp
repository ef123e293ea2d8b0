#include "ui/views/probe/probe_text.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/token_at.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"
#include "ui/views/palette.h"
#include "ui/views/tokens/token_text.h"

namespace spanscope {

ProbeText::ProbeText(RunStore* store, QWidget* parent)
    : QWidget(parent),
      m_store(store),
      m_which(new QComboBox(this)),
      m_scale(new QLabel(this)),
      m_text(new TokenText(store, this)) {
    m_which->setObjectName("probeWhich");
    m_which->addItems({tr("Dense attention"), tr("Declared attention")});
    m_which->setToolTip(tr("Whose attention shades the text"));
    m_which->setAccessibleName(tr("Whose attention"));
    m_scale->setObjectName("probeScale");
    m_scale->setTextFormat(Qt::PlainText);
    auto* head = new QHBoxLayout;
    head->addWidget(m_which);
    head->addWidget(m_scale, 1);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 6, 0, 0);
    column->addLayout(head);
    column->addWidget(m_text, 1);
    connect(m_which, &QComboBox::currentIndexChanged, this, &ProbeText::refresh);
    connect(m_text, &TokenText::clicked, this, [this](int position) {
        if (const int step = position - m_store->nPrompt(); step >= 0) emit stepClicked(step);
    });
}

void ProbeText::setProbe(const StepProbe& probe, bool withoutFirst) {
    m_probe = probe;
    m_withoutFirst = withoutFirst;
    refresh();
}

const std::vector<float>& ProbeText::values() const {
    return m_which->currentIndex() == 0 ? m_probe.dense : m_probe.restricted;
}

void ProbeText::refresh() {
    m_most = 0;
    const std::vector<float>& mass = values();
    for (size_t i = m_withoutFirst ? 1 : 0; i < mass.size(); ++i) m_most = std::max(m_most, double(mass[i]));
    m_scale->setText(m_probe.dense.empty()
                         ? QString()
                         : tr("Darkest: %1, square-root scale%2. Underlined: inside the span. Click a token of the "
                              "response to look from there.")
                               .arg(formatPercent(m_most), m_withoutFirst ? tr(", first token left out") : QString()));
    m_scale->setWordWrap(true);
    if (m_probe.dense.empty()) {
        m_text->setShades({}, {});
        m_text->setCurrent(-1);
        return;
    }
    m_text->setShades(
        [this](int position) -> TokenShade {
            if (position > m_probe.position) return {};
            const Palette& c = Palette::of(palette());
            const bool inside = m_probe.visible && mayRead(*m_probe.visible, m_probe.position, position);
            const QColor& full = m_which->currentIndex() == 0 ? c.dense : c.declared;
            return {mix(c.ground, full, shareAt(position)), false, inside ? c.declared : QColor()};
        },
        [this](int position) { return words(position); });
    m_text->setCurrent(m_probe.position);
}

double ProbeText::shareAt(int position) const {
    const std::vector<float>& mass = values();
    if (position < 0 || static_cast<size_t>(position) >= mass.size() || m_most <= 0 ||
        (position == 0 && m_withoutFirst))
        return 0;
    return std::sqrt(double(mass[static_cast<size_t>(position)]) / m_most);
}

QString ProbeText::words(int position) const {
    const TokenInfo* token = maybeTokenAt(m_store->data(), position);
    const QString name = tr("Position %1 (“%2”)").arg(position).arg(token ? shownLine(token->text, 60) : QString());
    const auto at = static_cast<size_t>(std::max(0, position));
    if (position > m_probe.position || at >= m_probe.dense.size()) return name + tr(": after the step");
    const bool outside = m_probe.visible && !mayRead(*m_probe.visible, m_probe.position, position);
    return name + tr(": dense %1, declared %2%3")
                      .arg(formatPercent(double(m_probe.dense[at])),
                           formatPercent(at < m_probe.restricted.size() ? double(m_probe.restricted[at]) : 0),
                           outside ? tr("; outside the span") : QString());
}

}  // namespace spanscope
