#include "ui/export/export_dialog.h"

#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPointer>
#include <QPushButton>
#include <QScrollBar>
#include <QSettings>
#include <QVBoxLayout>
#include <functional>
#include <map>

#include "engine/files/output_file.h"
#include "ui/export/figure_captions.h"
#include "ui/model/background.h"
#include "ui/model/shown_text.h"
#include "ui/views/tab_order.h"

namespace spanscope {

namespace {

constexpr size_t kDrawnAtOnce = 50'000;  // steps

/// QCustomPlot is a widget: what it draws is drawn in this thread.
bool isPlot(FigureKind kind) { return kind == FigureKind::Throughput || kind == FigureKind::WhatIf; }

/// What another thread draws or writes from.
struct Job {
    SharedRun run, other;
    StepProbe probe;
    DivergenceCurve curve;
    int step = -1;
    WhatIf whatIf;
    ExportSource source() const {
        return {run.get(), other.get(), probe.dense.empty() ? nullptr : &probe, curve.klNats.empty() ? nullptr : &curve,
                step,      whatIf};
    }
};

/// Of the report, for readers without scripts.
std::string maskPng(const RunData& run) {
    const auto png = figureBytes(FigureKind::Mask, PictureFormat::Png, {&run}, {});
    return png ? *png : std::string();
}

QString sizeText(const QImage& image) {
    if (image.isNull()) return {};
    const auto mm = [](int pixels, int perMeter) { return QString::number(1000.0 * pixels / perMeter, 'f', 1); };
    return ExportDialog::tr("%1 \u00d7 %2 mm, %3 \u00d7 %4 pixels")
        .arg(mm(image.width(), image.dotsPerMeterX()), mm(image.height(), image.dotsPerMeterY()))
        .arg(image.width())
        .arg(image.height());
}

}  // namespace

ExportDialog::ExportDialog(RunStore* store, RunStore* beside, QWidget* parent)
    : QDialog(parent), m_store(store), m_beside(beside), m_inbox(sharedMailbox()) {
    setObjectName("exportDialog");
    setWindowTitle(tr("Export"));
    m_list = new QListWidget(this);
    m_list->setObjectName("exportList");
    m_list->setAccessibleName(tr("What to export"));

    makeForm();
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

    auto* buttons = new QDialogButtonBox(this);
    m_export = buttons->addButton(tr("&Export\u2026"), QDialogButtonBox::AcceptRole);
    m_export->setObjectName("exportButton");
    m_export->setDefault(true);
    m_all = buttons->addButton(tr("&All figures\u2026"), QDialogButtonBox::ActionRole);
    m_all->setObjectName("exportAll");
    m_all->setToolTip(tr("Every figure of this run with these settings, the recording, and one file of captions"));
    connect(m_all, &QPushButton::clicked, this, &ExportDialog::exportAllAs);
    m_copy = buttons->addButton(tr("Cop&y image"), QDialogButtonBox::ActionRole);
    m_copy->setObjectName("exportCopy");
    buttons->addButton(QDialogButtonBox::Close);
    connect(m_export, &QPushButton::clicked, this, &ExportDialog::exportAs);
    connect(m_copy, &QPushButton::clicked, this, &ExportDialog::copyImage);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    m_ofRow = new QWidget(this);
    m_of = new QComboBox(m_ofRow);
    m_of->setObjectName("exportRun");
    m_of->addItems({QString(), QString()});
    m_of->setToolTip(tr("Which of the two runs is exported; the other is what it is compared with"));
    auto* ofName = new QLabel(tr("R&un"), m_ofRow);
    ofName->setBuddy(m_of);
    auto* ofLine = new QHBoxLayout(m_ofRow);
    ofLine->setContentsMargins(0, 0, 0, 0);
    ofLine->addWidget(ofName);
    ofLine->addWidget(m_of, 1);
    m_ofRow->hide();
    connect(m_of, &QComboBox::currentIndexChanged, this, &ExportDialog::refreshPreview);

    auto* settings = new QVBoxLayout;
    settings->addWidget(m_ofRow);
    settings->addWidget(m_form);
    settings->addStretch(1);
    auto* right = new QVBoxLayout;
    right->addWidget(m_about);
    right->addWidget(m_preview, 1);
    right->addWidget(m_size);
    right->addWidget(m_message);
    auto* columns = new QHBoxLayout;
    columns->addWidget(m_list);
    columns->addLayout(settings);
    columns->addLayout(right, 1);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(columns, 1);
    layout->addWidget(buttons);
    resize(1120, 620);

    tabThrough({m_list, m_of});

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
    return {m_run.get(),
            m_other.get(),
            m_probe.dense.empty() || ofBeside() ? nullptr : &m_probe,
            curve().klNats.empty() ? nullptr : &curve(),
            m_last,
            m_whatIf};
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
        case ExportNeeds::Curve:
            return tr("Needs a dense reading of the run: inspect it, or measure it in Masks compared.");
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

void ExportDialog::setWhatIf(const WhatIf& whatIf) {
    m_whatIf = whatIf;
    refreshPreview();
}

void ExportDialog::onChosen() {
    if (m_list->currentRow() < 0) return;
    m_form->setEnabled(isFigure());
    m_copy->setEnabled(isFigure());
    const bool mask = isFigure() && kind() == FigureKind::Mask;
    m_byPhase->setEnabled(mask);
    m_loaded->setEnabled(mask);
    m_region->setEnabled(isFigure() && (mask || kind() == FigureKind::Difference));
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
    const auto name = [](const SharedRun& run) {
        return run ? QString::fromStdString(run->header.settings.attention.text()) : QString();
    };
    m_of->setItemText(0, tr("%1 (on show)").arg(name(m_run)));
    m_of->setItemText(1, tr("%1 (beside)").arg(name(m_other)));
    m_ofRow->setVisible(bool(m_other));
    if (ofBeside()) std::swap(m_run, m_other);
}

bool ExportDialog::ofBeside() const { return m_of->currentIndex() == 1 && m_beside && m_beside->nSteps() > 0; }

void ExportDialog::chooseBeside(bool beside) { m_of->setCurrentIndex(beside ? 1 : 0); }

void ExportDialog::setDistances(const DivergenceCurve* maybeRun, const DivergenceCurve* maybeBeside) {
    if (maybeRun) m_curve = *maybeRun;
    if (maybeBeside) m_besideCurve = *maybeBeside;
    refreshPreview();
}

void ExportDialog::refreshPreview() {
    m_timer.stop();
    m_image = QImage();
    ++m_generation;
    m_drawing = false;
    takeRuns();
    m_export->setEnabled(missing().isEmpty() && !m_writing);
    m_copy->setEnabled(isFigure() && missing().isEmpty());
    m_all->setEnabled(m_store->nSteps() > 0 && !m_writing);
    if (isFigure() && missing().isEmpty()) {
        const FigureOptions o = options();
        if (isLong()) startPreview(o);
        else m_image = figureImage(kind(), source(), o);  // at its own scale: the very picture that is written
        m_size->setText(sizeText(m_image));
    } else {
        m_size->clear();
    }
    showPreview();
}

/// Plots are widgets: they stay here, and draw buckets of steps.
bool ExportDialog::isLong() const {
    return isFigure() && !isPlot(kind()) && m_run->steps.size() + (m_other ? m_other->steps.size() : 0) > kDrawnAtOnce;
}

void ExportDialog::startPreview(const FigureOptions& o) {
    m_drawing = true;
    const auto job = std::make_shared<const Job>(Job{m_run, m_other, probe(), curve(), m_last, m_whatIf});
    const QPointer<ExportDialog> self(this);
    inBackground([job, o, self, kind = kind(), inbox = m_inbox, generation = m_generation] {
        const QImage image = figureImage(kind, job->source(), o);
        inbox->post([self, image, generation] {
            if (!self || generation != self->m_generation) return;
            self->m_drawing = false;
            self->m_image = image;
            self->m_size->setText(sizeText(image));
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
    // With this policy of their width they forget what the style adds to their height.
    for (QComboBox* box : {m_preset, m_family}) box->setMinimumHeight(box->sizeHint().height());
    if (!m_image.isNull()) showPreview();
}

QString ExportDialog::baseName() const {
    const RunHeader& h = m_store->data().header;
    QStringList parts;
    for (const std::string& s : {h.modelName, h.settings.task}) {
        QString part;
        for (const QChar c : QString::fromStdString(s.substr(0, 60)))
            part += c.isLetterOrNumber() || c == '.' || c == '-' ? c : QChar('_');
        if (!part.isEmpty()) parts << part;
    }
    return parts.join('-');
}

QString ExportDialog::suggestedName() const {
    QStringList parts;
    if (const QString base = baseName(); !base.isEmpty()) parts << base;
    if (ofBeside()) {  // beside a file of the run on show
        QString name = QString::fromStdString(m_beside->data().header.settings.attention.text());
        parts << name.replace('=', '-').remove('%');
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
        keepSettings();
        exportTo(path);
        return;
    }
    keepSettings();
    m_writing = true;
    m_export->setEnabled(false);
    m_all->setEnabled(false);
    say(tr("Writing %1").arg(path), false);
    const auto job = std::make_shared<const Job>(Job{m_run, m_other, probe(), curve(), m_last, m_whatIf});
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
    m_all->setEnabled(m_store->nSteps() > 0);
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

void ExportDialog::exportAllAs() {
    QSettings settings;
    const QString folder = QFileDialog::getExistingDirectory(
        this, tr("All figures"), settings.value(QStringLiteral("export/folder")).toString());
    if (folder.isEmpty()) return;
    settings.setValue(QStringLiteral("export/folder"), folder);
    startAllFigures(folder);
}

void ExportDialog::startAllFigures(const QString& folder) {
    takeRuns();
    keepSettings();
    m_writing = true;
    m_export->setEnabled(false);
    m_all->setEnabled(false);
    say(tr("Writing into %1").arg(folder), false);
    FigureOptions o = options();
    o.title.clear();  // of one figure
    o.caption.clear();
    const auto job = std::make_shared<const Job>(Job{m_run, m_other, probe(), curve(), m_last, m_whatIf});
    const PictureFormat picture = format();
    std::map<FigureKind, Result<std::string>> plots;
    for (const FigureInfo& info : kFigures)
        if (isPlot(info.kind)) plots.emplace(info.kind, figureBytes(info.kind, picture, job->source(), o));
    const DataExport* recording = nullptr;
    for (const DataExport& row : m_data)
        if (QLatin1String(row.ending) == QLatin1String("spantrace")) recording = &row;
    const QPointer<ExportDialog> self(this);
    inBackground([job, o, picture, plots = std::move(plots), recording, folder, self, base = baseName(),
                  inbox = m_inbox] {
        const QString start = folder + '/' + (base.isEmpty() ? QStringLiteral("run") : base);
        std::vector<FigureFile> written;
        Status status;
        for (const FigureInfo& info : kFigures) {
            if (!status || !hasWhatIsNeeded(job->source(), info.needs)) continue;
            const Result<std::string> bytes =
                isPlot(info.kind) ? plots.at(info.kind) : figureBytes(info.kind, picture, job->source(), o);
            if (!bytes && bytes.error().code == ErrorCode::InvalidArgument) continue;  // nothing to draw
            if (!bytes) {
                status = bytes.error();
                continue;
            }
            const QString path = QStringLiteral("%1-%2.%3").arg(start, info.name, kPictures[size_t(picture)].ending);
            status = writeFile(path.toStdString(), *bytes);
            written.push_back({info.kind, QFileInfo(path).fileName().toStdString()});
        }
        std::string trace;
        if (status && recording) {
            const QString path = start + QStringLiteral(".spantrace");
            trace = QFileInfo(path).fileName().toStdString();
            status = recording->write(job->source(), path.toStdString(), {});
        }
        const QString captions = start + QStringLiteral("-captions.md");
        if (status)
            status = writeFile(captions.toStdString(), captionFile(written, picture, job->source(), o, trace, "."));
        inbox->post([self, status, captions, n = written.size()] {
            if (self) self->sayWritten(tr("%1 figures and %2").arg(n).arg(captions), status);
        });
    });
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
