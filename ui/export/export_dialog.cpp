#include "ui/export/export_dialog.h"

#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPointer>
#include <QPushButton>
#include <QScrollBar>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>
#include <functional>

#include "ui/model/background.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {

constexpr size_t kDrawnAtOnce = 50'000;  // steps

/// What another thread draws or writes from.
struct Job {
    SharedRun run, other;
    StepProbe probe;
    DivergenceCurve curve;
    ExportSource source() const {
        return {run.get(), other.get(), probe.dense.empty() ? nullptr : &probe,
                curve.klNats.empty() ? nullptr : &curve};
    }
};

QStringList pictureNames() {
    QStringList names;
    for (const PictureInfo& picture : kPictures) names << QString(picture.ending).toUpper();
    return names;
}

/// Of the report, for readers without scripts.
std::string maskPng(const RunData& run) {
    const auto png = figureBytes(FigureKind::Mask, PictureFormat::Png, {&run}, {});
    return png ? *png : std::string();
}

}  // namespace

ExportDialog::ExportDialog(RunStore* store, RunStore* beside, QWidget* parent)
    : QDialog(parent), m_store(store), m_beside(beside), m_inbox(sharedMailbox()) {
    setObjectName("exportDialog");
    setWindowTitle(tr("Export"));
    m_list = new QListWidget(this);
    m_list->setObjectName("exportList");
    m_list->setAccessibleName(tr("What to export"));

    m_form = new QWidget(this);
    auto* form = new QFormLayout(m_form);
    form->setContentsMargins(0, 0, 0, 0);
    const auto box = [&](const char* name, const QString& label, const QStringList& items, const QString& tip) {
        auto* b = new QComboBox(m_form);
        b->setObjectName(name);
        b->addItems(items);
        b->setToolTip(tip);
        form->addRow(label, b);
        connect(b, &QComboBox::currentIndexChanged, this, [this] { m_timer.start(); });
        return b;
    };
    const auto check = [&](const char* name, const QString& text, bool on, const QString& tip) {
        auto* c = new QCheckBox(text, m_form);
        c->setObjectName(name);
        c->setChecked(on);
        c->setToolTip(tip);
        form->addRow(QString(), c);
        connect(c, &QCheckBox::toggled, this, [this] { m_timer.start(); });
        return c;
    };
    const auto line = [&](const char* name, const QString& label, const QString& tip) {
        auto* l = new QLineEdit(m_form);
        l->setObjectName(name);
        l->setPlaceholderText(tr("from the run; \u201c-\u201d for none"));
        l->setToolTip(tip);
        form->addRow(label, l);
        connect(l, &QLineEdit::textChanged, this, [this] { m_timer.start(); });
        return l;
    };
    m_format = box("exportFormat", tr("&Format"), pictureNames(),
                   tr("SVG and PDF keep text and axes as vectors; cells stay exact"));
    m_scale = box("exportScale", tr("&Scale"), {"1\u00d7", "2\u00d7", "3\u00d7", "4\u00d7"},
                  tr("Pixels to a unit of the page; 2\u00d7 is 192 dpi"));
    m_scale->setCurrentIndex(1);
    m_theme = box("exportTheme", tr("&Background"), {tr("light (print)"), tr("dark")},
                  tr("Independent of the window's theme"));
    m_width = new QSpinBox(m_form);
    m_width->setObjectName("exportWidth");
    m_width->setRange(320, 4000);
    m_width->setSingleStep(50);
    m_width->setValue(900);
    m_width->setSuffix(tr(" px at 1\u00d7"));
    m_width->setToolTip(tr("Width of the page, 96 units to an inch"));
    form->addRow(tr("&Width"), m_width);
    connect(m_width, &QSpinBox::valueChanged, this, [this] { m_timer.start(); });
    m_title = line("exportTitle", tr("&Title"), tr("Heading of the figure"));
    m_caption = line("exportCaption", tr("&Caption"), tr("Text under the figure"));
    m_legend = check("exportLegend", tr("&Legend"), true, tr("Name the colours and patterns"));
    m_byPhase = check("exportByPhase", tr("Colour by &phase"), true, tr("Attended cells in the colour of their phase"));
    m_loaded = check("exportLoaded", tr("Show page &rounding"), true,
                     tr("Mark tokens that were loaded only because their page was"));
    m_time = check("exportTime", tr("&Over time"), false, tr("Time instead of context length along the axis"));
    m_noFirst = check("exportNoFirst", tr("Without &first token"), true,
                      tr("The first token often takes most of the attention mass and hides the rest"));
    m_selected =
        check("exportSelected", tr("Selected steps &only"), false, tr("The steps that are locked in the window"));
    m_selected->setEnabled(false);

    m_preview = new QLabel(this);
    m_preview->setObjectName("exportPreview");
    m_preview->setAccessibleName(tr("Preview"));
    m_preview->setAlignment(Qt::AlignCenter);
    m_preview->setMinimumSize(360, 260);
    m_preview->setFrameShape(QFrame::StyledPanel);
    m_preview->setWordWrap(true);
    m_about = new QLabel(this);
    m_about->setWordWrap(true);
    m_size = new QLabel(this);
    m_message = new QLabel(this);
    m_message->setObjectName("exportMessage");
    m_message->setWordWrap(true);
    m_message->setTextFormat(Qt::PlainText);  // quotes paths
    m_message->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    m_export = buttons->addButton(tr("&Export\u2026"), QDialogButtonBox::AcceptRole);
    m_export->setObjectName("exportButton");
    m_export->setDefault(true);
    m_copy = buttons->addButton(tr("Cop&y Image"), QDialogButtonBox::ActionRole);
    m_copy->setObjectName("exportCopy");
    connect(m_export, &QPushButton::clicked, this, &ExportDialog::exportAs);
    connect(m_copy, &QPushButton::clicked, this, &ExportDialog::copyImage);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* left = new QVBoxLayout;
    left->addWidget(m_list, 1);
    left->addWidget(m_form);
    auto* right = new QVBoxLayout;
    right->addWidget(m_about);
    right->addWidget(m_preview, 1);
    right->addWidget(m_size);
    right->addWidget(m_message);
    auto* columns = new QHBoxLayout;
    columns->addLayout(left);
    columns->addLayout(right, 1);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(columns, 1);
    layout->addWidget(buttons);
    resize(940, 640);

    m_timer.setSingleShot(true);
    m_timer.setInterval(120);
    connect(&m_timer, &QTimer::timeout, this, &ExportDialog::refreshPreview);
    connect(m_list, &QListWidget::currentRowChanged, this, &ExportDialog::onChosen);
    connect(m_store, &RunStore::finished, this, [this] { m_timer.start(); });
    fillList();
}

void ExportDialog::setDataExports(std::span<const DataExport> exports) {
    m_data = exports;
    fillList();
}

void ExportDialog::fillList() {
    const int row = std::max(0, m_list->currentRow());
    m_list->clear();
    for (const FigureInfo& f : kFigures) m_list->addItem(tr(f.title));
    for (const DataExport& d : m_data) m_list->addItem(QStringLiteral("%1 (.%2)").arg(tr(d.title), d.ending));
    m_list->setCurrentRow(std::min(row, m_list->count() - 1));
    // Every name whole, beside the scroll bar.
    m_list->setMinimumWidth(m_list->sizeHintForColumn(0) + m_list->verticalScrollBar()->sizeHint().width() +
                            2 * m_list->frameWidth() + 4);
}

void ExportDialog::choose(FigureKind kind) { m_list->setCurrentRow(int(kind)); }

void ExportDialog::chooseData(const QString& ending) {
    for (size_t i = 0; i < m_data.size(); ++i)
        if (ending == m_data[i].ending) m_list->setCurrentRow(int(kFigures.size() + i));
}

const DataExport* ExportDialog::dataRow() const {
    const int row = m_list->currentRow() - int(kFigures.size());
    return row < 0 ? nullptr : &m_data[size_t(row)];
}
FigureKind ExportDialog::kind() const { return FigureKind(std::max(0, m_list->currentRow())); }
PictureFormat ExportDialog::format() const { return kPictures[size_t(m_format->currentIndex())].format; }

ExportSource ExportDialog::source() const {
    return {m_run.get(), m_other.get(), m_probe.dense.empty() ? nullptr : &m_probe,
            m_curve.klNats.empty() ? nullptr : &m_curve};
}

ExportNeeds ExportDialog::needs() const {
    const DataExport* row = dataRow();
    return row ? row->needs : figureInfo(kind()).needs;
}

QString ExportDialog::missing() const {
    if (m_store->nSteps() == 0) return tr("Nothing to export yet: run a prompt or open a trace first.");
    if (hasWhatIsNeeded(source(), needs())) return {};
    switch (needs()) {
        case ExportNeeds::Other:
            return tr("Needs a second run: compare with dense, or show another run beside this one.");
        case ExportNeeds::Probe:
            return tr("Needs a step in the Inspect panel: inspect the run and select a step first.");
        case ExportNeeds::Curve: return tr("Needs the Inspect panel: inspect the run first.");
        case ExportNeeds::Nothing: break;
    }
    return {};
}

void ExportDialog::setInspection(const StepProbe& probe, const DivergenceCurve& curve) {
    const qint64 run = m_store->data().header.runId;
    if (probe.runId == run) m_probe = probe;
    if (curve.runId == run) m_curve = curve;
    refreshPreview();
}

void ExportDialog::setSelectedSteps(int first, int last) {
    m_first = first;
    m_last = last;
    m_selected->setEnabled(first >= 0);
    if (first < 0) m_selected->setChecked(false);
}

FigureOptions ExportDialog::options() const {
    FigureOptions o;
    o.scale = m_scale->currentIndex() + 1;
    o.width = m_width->value();
    o.dark = m_theme->currentIndex() == 1;
    o.legend = m_legend->isChecked();
    o.byPhase = m_byPhase->isChecked();
    o.showLoaded = m_loaded->isChecked();
    o.overTime = m_time->isChecked();
    o.withoutFirst = m_noFirst->isChecked();
    o.title = m_title->text().toStdString();
    o.caption = m_caption->text().toStdString();
    if (m_selected->isChecked() && m_first >= 0) {
        o.firstStep = m_first;
        o.lastStep = m_last;
    }
    return o;
}

void ExportDialog::setOptions(const FigureOptions& o) {
    m_scale->setCurrentIndex(std::clamp(o.scale, 1, 4) - 1);
    m_width->setValue(o.width);
    m_theme->setCurrentIndex(o.dark ? 1 : 0);
    m_legend->setChecked(o.legend);
    m_byPhase->setChecked(o.byPhase);
    m_loaded->setChecked(o.showLoaded);
    m_time->setChecked(o.overTime);
    m_noFirst->setChecked(o.withoutFirst);
    m_title->setText(QString::fromStdString(o.title));
    m_caption->setText(QString::fromStdString(o.caption));
}

void ExportDialog::onChosen() {
    if (m_list->currentRow() < 0) return;
    m_form->setEnabled(isFigure());
    m_copy->setEnabled(isFigure());
    const bool mask = isFigure() && kind() == FigureKind::Mask;
    m_byPhase->setEnabled(mask);
    m_loaded->setEnabled(mask);
    m_selected->setEnabled(isFigure() && (mask || kind() == FigureKind::Difference) && m_first >= 0);
    m_noFirst->setEnabled(isFigure() && (kind() == FigureKind::Attention || kind() == FigureKind::Heads));
    m_time->setEnabled(isFigure() && kind() == FigureKind::Throughput);
    const DataExport* row = dataRow();
    m_about->setText(tr(row ? row->about : figureInfo(kind()).about));
    say({}, false);
    refreshPreview();
}

void ExportDialog::takeRuns() {
    m_run = m_store->share();
    m_other = m_beside && m_beside->nSteps() > 0 ? m_beside->share() : nullptr;
}

void ExportDialog::refreshPreview() {
    m_timer.stop();
    m_image = QImage();
    ++m_generation;
    m_drawing = false;
    takeRuns();
    m_export->setEnabled(missing().isEmpty() && !m_writing);
    m_copy->setEnabled(isFigure() && missing().isEmpty());
    if (isFigure() && missing().isEmpty()) {
        const FigureOptions o = options();
        if (isLong()) startPreview(o);
        else m_image = figureImage(kind(), source(), o);  // at its own scale: the very picture that is written
        m_size->setText(
            m_image.isNull()
                ? QString()
                : tr("%1 \u00d7 %2 pixels at %3\u00d7").arg(m_image.width()).arg(m_image.height()).arg(o.scale));
    } else {
        m_size->clear();
    }
    showPreview();
}

/// The plot of throughput is a widget: it stays here, and draws buckets of steps.
bool ExportDialog::isLong() const {
    return isFigure() && kind() != FigureKind::Throughput &&
           m_run->steps.size() + (m_other ? m_other->steps.size() : 0) > kDrawnAtOnce;
}

void ExportDialog::startPreview(const FigureOptions& o) {
    m_drawing = true;
    const auto job = std::make_shared<const Job>(Job{m_run, m_other, m_probe, m_curve});
    const QPointer<ExportDialog> self(this);
    inBackground([job, o, self, kind = kind(), inbox = m_inbox, generation = m_generation] {
        const QImage image = figureImage(kind, job->source(), o);
        inbox->post([self, image, o, generation] {
            if (!self || generation != self->m_generation) return;
            self->m_drawing = false;
            self->m_image = image;
            self->m_size->setText(
                image.isNull()
                    ? QString()
                    : tr("%1 \u00d7 %2 pixels at %3\u00d7").arg(image.width()).arg(image.height()).arg(o.scale));
            self->showPreview();
        });
    });
}

void ExportDialog::showPreview() {
    if (const QString why = missing(); !why.isEmpty()) {
        m_preview->setText(why);
    } else if (m_image.isNull() && m_drawing) {
        m_preview->setText(tr("Drawing\u2026"));
    } else if (m_image.isNull()) {
        m_preview->setText(isFigure() ? tr("This run has nothing to draw here.") : tr("A data file: no preview."));
    } else {
        const double dpr = devicePixelRatioF();
        const QSize room = (m_preview->contentsRect().size() - QSize(8, 8)) * dpr;
        QPixmap pixmap = QPixmap::fromImage(m_image);
        if (pixmap.width() > room.width() || pixmap.height() > room.height())
            pixmap = pixmap.scaled(room, Qt::KeepAspectRatio, Qt::SmoothTransformation);
        pixmap.setDevicePixelRatio(dpr);
        m_preview->setPixmap(pixmap);
        m_preview->setAccessibleDescription(shownText(m_image.text(QStringLiteral("Description"))));
    }
}

void ExportDialog::resizeEvent(QResizeEvent* event) {
    QDialog::resizeEvent(event);
    if (!m_image.isNull()) showPreview();
}

QString ExportDialog::suggestedName() const {
    const RunHeader& h = m_store->data().header;
    QStringList parts;
    for (const std::string& s : {h.modelName, h.settings.task}) {
        QString part;
        for (const QChar c : QString::fromStdString(s.substr(0, 60)))
            part += c.isLetterOrNumber() || c == '.' || c == '-' ? c : QChar('_');
        if (!part.isEmpty()) parts << part;
    }
    const DataExport* row = dataRow();
    if (!row) {
        parts << figureInfo(kind()).name;
        return parts.join('-') + '.' + kPictures[size_t(m_format->currentIndex())].ending;
    }
    const QString ending = row->ending, title = tr(row->title);
    // A two-part ending ("segments.csv") says already what it is.
    if (!ending.contains('.')) parts << title.section(' ', 0, 0).toLower();
    return parts.join('-') + (ending.contains('.') ? '-' : '.') + ending;
}

void ExportDialog::exportAs() {
    QSettings settings;
    const QString folder = settings.value(QStringLiteral("export/folder")).toString();
    const QString suffix = QFileInfo(suggestedName()).suffix();
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Export"), folder.isEmpty() ? suggestedName() : folder + '/' + suggestedName(),
        QStringLiteral("*.%1").arg(suffix));
    if (path.isEmpty()) return;
    settings.setValue(QStringLiteral("export/folder"), QFileInfo(path).absolutePath());
    startExport(QFileInfo(path).suffix().isEmpty() ? path + '.' + suffix : path);
}

void ExportDialog::startExport(const QString& path) {
    takeRuns();
    if (isFigure() && !isLong()) {
        exportTo(path);
        return;
    }
    m_writing = true;
    m_export->setEnabled(false);
    say(tr("Writing %1").arg(path), false);
    const auto job = std::make_shared<const Job>(Job{m_run, m_other, m_probe, m_curve});
    std::function<Status(const ExportSource&, const std::string&)> write;
    if (const DataExport* row = dataRow())
        write = [row](const ExportSource& source, const std::string& to) {
            return row->write(source, to, {{}, {}, maskPng});
        };
    else
        write = [o = options(), kind = kind(), format = format()](const ExportSource& source, const std::string& to) {
            return renderFigure(kind, source, o, to, format);
        };
    const QPointer<ExportDialog> self(this);
    inBackground([job, write, path, self, inbox = m_inbox] {
        const Status status = write(job->source(), path.toStdString());
        inbox->post([self, path, status] {
            if (self) self->sayWritten(path, status);
        });
    });
}

void ExportDialog::sayWritten(const QString& path, const Status& status) {
    m_writing = false;
    m_export->setEnabled(missing().isEmpty());
    if (status) say(tr("Written: %1").arg(path), false);
    else say(QString::fromStdString(status.error().toString()), true);
}

bool ExportDialog::exportTo(const QString& path) {
    takeRuns();
    const DataExport* row = dataRow();
    const Status status = row ? row->write(source(), path.toStdString(), {{}, {}, maskPng})
                              : renderFigure(kind(), source(), options(), path.toStdString(), format());
    sayWritten(path, status);
    return bool(status);
}

void ExportDialog::copyImage() {
    if (!isFigure() || !missing().isEmpty()) return;
    const QImage image = figureImage(kind(), source(), options());
    if (image.isNull()) return;
    QGuiApplication::clipboard()->setImage(image);
    say(tr("Copied: %1 \u00d7 %2 pixels").arg(image.width()).arg(image.height()), false);
}

void ExportDialog::say(const QString& text, bool bad) {
    m_message->setText(text.isEmpty() ? QString()
                                      : (bad ? QStringLiteral("\u26a0 ") : QString()) + shownText(text, 800));
}

QString ExportDialog::message() const { return m_message->text(); }

}  // namespace spanscope
