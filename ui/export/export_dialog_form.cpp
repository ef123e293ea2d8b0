// The settings of a figure: the form of the export dialog, its presets, and the region of the run.
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFontDatabase>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <algorithm>
#include <cmath>

#include "ui/export/export_dialog.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
enum Unit { kUnitPixels, kUnitMm };
enum Region { kWholeRun, kVisible, kSelected };
}  // namespace

void ExportDialog::makeForm() {
    m_form = new QWidget(this);
    auto* form = new QFormLayout(m_form);
    form->setContentsMargins(0, 0, 0, 0);
    m_form->setMaximumWidth(fontMetrics().averageCharWidth() * 58);  // the rest is for the preview
    const auto changed = [this] { m_timer.start(); };
    const auto bare = [&](const char* name, const QStringList& items, const QString& tip) {
        auto* b = new QComboBox(m_form);
        b->setObjectName(name);
        b->addItems(items);
        b->setToolTip(tip);
        connect(b, &QComboBox::currentIndexChanged, this, changed);
        return b;
    };
    const auto box = [&](const char* name, const QString& label, const QStringList& items, const QString& tip) {
        QComboBox* b = bare(name, items, tip);
        form->addRow(label, b);
        return b;
    };
    const auto number = [&](const char* name, const QString& tip) {
        auto* n = new QDoubleSpinBox(m_form);
        n->setObjectName(name);
        n->setToolTip(tip);
        connect(n, &QDoubleSpinBox::valueChanged, this, changed);
        return n;
    };
    const auto row = [&](const QString& label, QWidget* first, QWidget* second, QWidget* third = nullptr) {
        auto* line = new QHBoxLayout;
        line->setSpacing(4);
        line->addWidget(first, 1);
        line->addWidget(second);
        if (third) line->addWidget(third);
        auto* name = new QLabel(label, m_form);
        name->setBuddy(first);
        form->addRow(name, line);
    };
    const auto check = [&](const char* name, const QString& text, bool on, const QString& tip) {
        auto* c = new QCheckBox(text, m_form);
        c->setObjectName(name);
        c->setChecked(on);
        c->setToolTip(tip);
        form->addRow(QString(), c);
        connect(c, &QCheckBox::toggled, this, changed);
        return c;
    };
    const auto line = [&](const char* name, const QString& label, const QString& tip) {
        auto* l = new QLineEdit(m_form);
        l->setObjectName(name);
        l->setPlaceholderText(tr("from the run; \u201c-\u201d for none"));
        l->setToolTip(tip);
        form->addRow(label, l);
        connect(l, &QLineEdit::textChanged, this, changed);
        return l;
    };
    m_preset = new QComboBox(m_form);
    m_preset->setObjectName("exportPreset");
    m_preset->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_preset->setMinimumContentsLength(8);
    m_preset->setIconSize({1, 1});  // the policy makes room for one
    m_preset->setToolTip(tr("Settings for a purpose; yours are kept"));
    connect(m_preset, &QComboBox::activated, this, &ExportDialog::usePreset);
    m_savePreset = new QPushButton(tr("Save\u2026"), m_form);
    m_savePreset->setObjectName("exportSavePreset");
    m_savePreset->setToolTip(tr("Keep these settings under a name"));
    connect(m_savePreset, &QPushButton::clicked, this, &ExportDialog::savePreset);
    m_deletePreset = new QPushButton(tr("Delete"), m_form);
    m_deletePreset->setObjectName("exportDeletePreset");
    m_deletePreset->setToolTip(tr("Forget the chosen settings"));
    connect(m_deletePreset, &QPushButton::clicked, this, &ExportDialog::deletePreset);
    row(tr("&Preset"), m_preset, m_savePreset, m_deletePreset);
    QStringList formats;
    for (const PictureInfo& picture : kPictures) formats << QString(picture.ending).toUpper();
    m_format =
        box("exportFormat", tr("&Format"), formats, tr("SVG and PDF keep text and axes as vectors; cells stay exact"));
    m_scale = box("exportScale", tr("&Scale"), {"1\u00d7", "2\u00d7", "3\u00d7", "4\u00d7"},
                  tr("Pixels to a unit of the page; 2\u00d7 is 192 dpi, 4\u00d7 384 dpi"));
    m_scale->setCurrentIndex(1);
    m_theme = box("exportTheme", tr("&Background"), {tr("light (print)"), tr("dark")},
                  tr("Independent of the window's theme"));
    m_width = number("exportWidth", tr("Width of the page; a mask in px closes up around its cells"));
    m_unit = bare("exportUnit", {tr("px at 1\u00d7"), tr("mm")}, tr("96 px are an inch"));
    row(tr("&Width"), m_width, m_unit);
    connect(m_unit, &QComboBox::currentIndexChanged, this, &ExportDialog::showWidthUnit);
    m_width->setDecimals(0);
    m_width->setRange(320, 4000);
    m_width->setValue(900);
    m_family = bare("exportFamily", {tr("standard")}, tr("Font of labels, title and caption"));
    m_family->addItems(QFontDatabase::families());
    m_family->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_family->setMinimumContentsLength(12);
    m_family->setIconSize({1, 1});
    m_points = number("exportPoints", tr("Size of the caption; labels are a little smaller, rulers and legend follow"));
    m_points->setDecimals(2);
    m_points->setSingleStep(0.5);
    m_points->setRange(4, 24);
    m_points->setValue(kFontPoints);
    m_points->setSuffix(tr(" pt"));
    row(tr("Fo&nt"), m_family, m_points);
    m_region = box("exportRegion", tr("&Region"), {tr("whole run"), tr("visible in the window"), tr("selected steps")},
                   tr("Mask and difference: which steps and positions"));
    m_title = line("exportTitle", tr("&Title"), tr("Heading of the figure"));
    m_caption = line("exportCaption", tr("&Caption"), tr("Text under the figure"));
    m_legend = check("exportLegend", tr("&Legend"), true, tr("Name the colours and patterns"));
    m_byPhase = check("exportByPhase", tr("Colour b&y phase"), true, tr("Attended cells in the colour of their phase"));
    m_loaded = check("exportLoaded", tr("Show page roun&ding"), true,
                     tr("Mark tokens that were loaded only because their page was"));
    m_time = check("exportTime", tr("&Over time"), false, tr("Time instead of context length along the axis"));
    m_noFirst = check("exportNoFirst", tr("Without first to&ken"), true,
                      tr("The first token often takes most of the attention mass and hides the rest"));
    fillPresets();
    refreshRegions();
}

void ExportDialog::showWidthUnit() {
    const bool mm = m_unit->currentIndex() == kUnitMm;
    const double value = m_width->value();
    constexpr double kPixelsPerMm = 96 / 25.4;
    const bool was = m_width->decimals() == 1;
    if (mm == was) return;
    m_width->setDecimals(mm ? 1 : 0);
    if (mm) m_width->setRange(kLeastMm, kMostMm);
    else m_width->setRange(320, 4000);
    m_width->setSingleStep(mm ? 1 : 50);
    m_width->setValue(mm ? value / kPixelsPerMm : value * kPixelsPerMm);
}

void ExportDialog::setSelectedSteps(int first, int last) {
    m_first = first;
    m_last = last;
    refreshRegions();
    m_timer.start();
}

void ExportDialog::setVisibleRegion(int firstStep, int lastStep, int firstPosition, int lastPosition) {
    m_hasVisible = true;
    m_visible.firstStep = firstStep;
    m_visible.lastStep = lastStep;
    m_visible.firstPosition = firstPosition;
    m_visible.lastPosition = lastPosition;
    refreshRegions();
}

/// What there is not cannot be chosen.
void ExportDialog::refreshRegions() {
    m_region->setItemData(kVisible, m_hasVisible ? QVariant() : QVariant(0), Qt::UserRole - 1);
    m_region->setItemData(kSelected, m_first >= 0 ? QVariant() : QVariant(0), Qt::UserRole - 1);
    if ((m_region->currentIndex() == kVisible && !m_hasVisible) ||
        (m_region->currentIndex() == kSelected && m_first < 0))
        m_region->setCurrentIndex(kWholeRun);
}

FigureOptions ExportDialog::options() const {
    FigureOptions o;
    o.scale = m_scale->currentIndex() + 1;
    if (m_unit->currentIndex() == kUnitMm) o.widthMm = m_width->value();
    else o.width = int(m_width->value());
    o.dark = m_theme->currentIndex() == 1;
    if (std::abs(m_points->value() - kFontPoints) > 0.004) o.fontPoints = m_points->value();
    if (m_family->currentIndex() > 0) o.fontFamily = m_family->currentText().toStdString();
    o.legend = m_legend->isChecked();
    o.byPhase = m_byPhase->isChecked();
    o.showLoaded = m_loaded->isChecked();
    o.overTime = m_time->isChecked();
    o.withoutFirst = m_noFirst->isChecked();
    o.title = m_title->text().toStdString();
    o.caption = m_caption->text().toStdString();
    if (m_region->currentIndex() == kSelected && m_first >= 0) {
        o.firstStep = m_first;
        o.lastStep = m_last;
    } else if (m_region->currentIndex() == kVisible && m_hasVisible) {
        o.firstStep = m_visible.firstStep;
        o.lastStep = m_visible.lastStep;
        o.firstPosition = m_visible.firstPosition;
        o.lastPosition = m_visible.lastPosition;
    }
    return o;
}

void ExportDialog::setOptions(const FigureOptions& o) {
    m_scale->setCurrentIndex(std::clamp(o.scale, 1, 4) - 1);
    m_unit->setCurrentIndex(o.widthMm > 0 ? kUnitMm : kUnitPixels);
    m_width->setValue(o.widthMm > 0 ? o.widthMm : o.width);
    m_theme->setCurrentIndex(o.dark ? 1 : 0);
    m_points->setValue(o.fontPoints > 0 ? o.fontPoints : kFontPoints);
    m_family->setCurrentIndex(
        o.fontFamily.empty() ? 0 : std::max(0, m_family->findText(QString::fromStdString(o.fontFamily))));
    m_legend->setChecked(o.legend);
    m_byPhase->setChecked(o.byPhase);
    m_loaded->setChecked(o.showLoaded);
    m_time->setChecked(o.overTime);
    m_noFirst->setChecked(o.withoutFirst);
    m_title->setText(QString::fromStdString(o.title));
    m_caption->setText(QString::fromStdString(o.caption));
}

void ExportDialog::setFormat(PictureFormat format) { m_format->setCurrentIndex(int(format)); }

void ExportDialog::fillPresets() {
    const QString chosen = m_preset->currentData().toString();
    m_preset->clear();
    m_preset->addItem(tr("choose\u2026"), QString());
    for (const FigurePreset& preset : builtInPresets()) m_preset->addItem(preset.name, preset.name);
    const QVector<FigurePreset> kept = keptPresets();
    if (!kept.isEmpty()) m_preset->insertSeparator(m_preset->count());
    for (const FigurePreset& preset : kept) m_preset->addItem(shownWords(preset.name.toStdString(), 60), preset.name);
    m_preset->setCurrentIndex(std::max(0, m_preset->findData(chosen)));
    m_deletePreset->setEnabled(m_preset->currentIndex() > builtInPresets().size());
}

void ExportDialog::usePreset(int index) {
    const QString name = m_preset->itemData(index).toString();
    for (const auto& presets : {builtInPresets(), keptPresets()})
        for (const FigurePreset& preset : presets)
            if (preset.name == name) {
                FigureOptions o = preset.options;
                o.title = m_title->text().toStdString();
                o.caption = m_caption->text().toStdString();
                setOptions(o);
                setFormat(preset.format);
            }
    m_deletePreset->setEnabled(index > builtInPresets().size());
}

void ExportDialog::savePreset() {
    bool ok = false;
    const QString name =
        QInputDialog::getText(this, tr("Save preset"), tr("Name of these settings:"), QLineEdit::Normal, {}, &ok)
            .trimmed();
    if (!ok || name.isEmpty()) return;
    if (keepPreset({name, format(), options()})) {
        fillPresets();
        m_preset->setCurrentIndex(std::max(0, m_preset->findData(name)));
        m_deletePreset->setEnabled(true);
        say(tr("Kept as %1").arg(name), false);
    } else {
        say(tr("Not kept: that name is built in, or %1 are kept already.").arg(kMostPresets), true);
    }
}

void ExportDialog::deletePreset() {
    forgetPreset(m_preset->currentData().toString());
    m_preset->setCurrentIndex(0);
    fillPresets();
}

void ExportDialog::rememberSettings() {
    m_remember = true;
    if (const auto last = lastSettings()) {
        setOptions(last->options);
        setFormat(last->format);
    }
}

void ExportDialog::keepSettings() const {
    if (m_remember) keepLastSettings({{}, format(), options()});
}

}  // namespace spanscope
