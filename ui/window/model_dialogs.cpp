#include "ui/window/model_dialogs.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QSpinBox>
#include <QTextBlock>
#include <QTextCursor>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"
#include "ui/window/card_text.h"
#include "ui/window/closed_browser.h"

namespace spanscope {

namespace {

constexpr int kPartsAtOnce = 2;

/// Stacked bar of what is wanted against what is free; each part also differs by hatch.
class MemoryBar : public QWidget {
  public:
    explicit MemoryBar(QWidget* parent) : QWidget(parent) { setMinimumHeight(16); }
    void set(const ForecastInfo& f) {
        m_forecast = f;
        update();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        const double total = double(m_forecast.weightBytes + m_forecast.kvBytes + m_forecast.workspaceBytes);
        const double scale = width() / std::max({1.0, total, double(m_forecast.freeBytes)});
        const QColor accent = palette().color(QPalette::Highlight), base = palette().color(QPalette::Window);
        p.fillRect(rect(), mix(base, palette().color(QPalette::WindowText), 0.08));
        double x = 0;
        const struct {
            quint64 bytes;
            QBrush brush;
        } parts[] = {{m_forecast.weightBytes, QBrush(accent)},
                     {m_forecast.kvBytes, QBrush(mix(base, accent, 0.55))},
                     {m_forecast.workspaceBytes, QBrush(accent, Qt::BDiagPattern)}};
        for (const auto& part : parts) {
            const double w = double(part.bytes) * scale;
            p.fillRect(QRectF(x, 0, w, height()), part.brush);
            x += w;
        }
        const double free = double(m_forecast.freeBytes) * scale;
        p.fillRect(QRectF(std::min(free, width() - 2.0), 0, 2, height()), palette().color(QPalette::WindowText));
    }

  private:
    ForecastInfo m_forecast;
};

}  // namespace

ForecastDialog::ForecastDialog(const ForecastInfo& forecast, Device device, QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("Open model"));
    setMinimumWidth(480);
    auto* name = new QLabel(
        QStringLiteral("<b>%1</b>").arg(shownLine(QFileInfo(forecast.path).fileName()).toHtmlEscaped()), this);
    name->setTextFormat(Qt::RichText);  // escaped
    name->setMinimumWidth(1);
    m_context = new QSpinBox(this);
    m_context->setRange(64, std::max({64, forecast.contextTokens, forecast.largestContext}));
    m_context->setSingleStep(1024);
    m_context->setAccelerated(true);
    m_context->setKeyboardTracking(false);
    m_context->setValue(forecast.contextTokens);
    m_context->setAccessibleName(tr("Context tokens"));
    m_context->setToolTip(tr("Prompt and response together; decides the size of the KV cache"));
    m_device = new QComboBox(this);
    for (const auto& [shown, value] :
         {std::pair(tr("Automatic"), Device::Auto), std::pair(tr("CPU"), Device::Cpu),
          std::pair(tr("CUDA"), Device::Cuda), std::pair(tr("Reference (slow, exact)"), Device::Reference)})
        m_device->addItem(shown, int(value));
    m_device->setCurrentIndex(m_device->findData(int(device)));
    m_device->setAccessibleName(tr("Device"));
    m_device->setToolTip(tr("Where the model runs. Automatic: a GPU if there is one, else the CPU"));
    m_adapter = new QComboBox(this);
    m_adapter->addItem(tr("None"), QString());
    m_adapter->addItem(tr("Folder…"));
    m_adapter->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_adapter->setMinimumContentsLength(16);
    m_adapter->setObjectName("adapter");
    m_adapter->setAccessibleName(tr("Adapter"));
    m_adapter->setToolTip(
        tr("A LoRA adapter made for this model: a folder with adapter_config.json and adapter_model.safetensors"));
    connect(m_adapter, &QComboBox::activated, this, &ForecastDialog::chooseAdapter);
    m_table = new QLabel(this);
    m_table->setTextFormat(Qt::RichText);  // numbers only
    m_bar = new MemoryBar(this);
    m_verdict = new QLabel(this);
    m_verdict->setObjectName("verdict");
    m_verdict->setWordWrap(true);
    m_verdict->setTextFormat(Qt::PlainText);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_load = buttons->addButton(tr("Load"), QDialogButtonBox::AcceptRole);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(16);
    form->addRow(tr("&Context"), m_context);
    form->addRow(tr("&Device"), m_device);
    form->addRow(tr("&Adapter"), m_adapter);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 16);
    column->setSpacing(16);
    column->addWidget(name);
    column->addLayout(form);
    column->addWidget(m_bar);
    column->addWidget(m_table);
    column->addWidget(m_verdict);
    column->addStretch(1);
    column->addWidget(buttons);
    connect(m_context, &QSpinBox::valueChanged, this, &ForecastDialog::changed);
    show(forecast);
}

void ForecastDialog::show(const ForecastInfo& f) {
    m_forecast = f;
    static_cast<MemoryBar*>(m_bar)->set(f);
    const quint64 total = f.weightBytes + f.kvBytes + f.workspaceBytes;
    const QString row = QStringLiteral("<tr><td>%1</td><td align='right' style='padding-left:24px'>%2</td></tr>");
    m_table->setText(QStringLiteral("<table>") + row.arg(tr("Weights"), formatBytes(f.weightBytes)) +
                     row.arg(tr("KV cache for %1 tokens").arg(formatCount(f.contextTokens)), formatBytes(f.kvBytes)) +
                     row.arg(tr("Workspace"), formatBytes(f.workspaceBytes)) +
                     row.arg(tr("<b>Needed</b>"), formatBytes(total)) +
                     row.arg(tr("Free now"), formatBytes(f.freeBytes)) + QStringLiteral("</table>"));
    if (!m_refused) m_verdict->setToolTip({});
    if (m_refused) m_refused = false;  // the forecast without the adapter; why it was refused stays to be read
    else if (f.fits)
        m_verdict->setText(tr("Fits. The largest context that fits is %1 tokens.").arg(formatCount(f.largestContext)));
    else if (f.largestContext > 0)
        m_verdict->setText(
            tr("⚠ Does not fit at this context; up to %1 tokens would.").arg(formatCount(f.largestContext)));
    else m_verdict->setText(tr("⚠ Not even the weights fit into free memory."));
    m_load->setText(f.fits ? tr("Load") : tr("Load anyway"));
    m_bar->setAccessibleName(tr("Needed %1 of %2 free").arg(formatBytes(total), formatBytes(f.freeBytes)));
    m_bar->setToolTip(tr("Weights, KV cache, workspace; the line marks free memory"));
}

LoadRequest ForecastDialog::request() const {
    return {m_forecast.path, m_context->value(), Device(m_device->currentData().toInt()), m_chosenAdapter};
}

void ForecastDialog::setAdapter(const QString& folder) {
    if (m_adapter->count() > 2) m_adapter->removeItem(1);
    if (!folder.isEmpty()) {
        m_adapter->insertItem(1, shownLine(QFileInfo(folder).fileName(), 60), folder);
        m_adapter->setItemData(1, plainToolTip(folder), Qt::ToolTipRole);
    }
    m_adapter->setCurrentIndex(folder.isEmpty() ? 0 : 1);
    if (m_chosenAdapter == folder) return;
    m_chosenAdapter = folder;
    emit changed();
}

/// The last entry asks for a folder.
void ForecastDialog::chooseAdapter(int index) {
    if (index + 1 < m_adapter->count()) return setAdapter(m_adapter->itemData(index).toString());
    const QString folder =
        QFileDialog::getExistingDirectory(this, tr("Adapter folder"), QFileInfo(m_forecast.path).path());
    setAdapter(folder.isEmpty() ? m_chosenAdapter : folder);
}

void ForecastDialog::refuseAdapter(const ErrorInfo& error) {
    setAdapter({});
    m_verdict->setText(shownLine(tr("⚠ The adapter cannot be used. %1").arg(error.text), 400));
    m_verdict->setToolTip(plainToolTip(error.detail));
    m_refused = true;
}

ModelCardDialog::ModelCardDialog(const ModelInfo& m, QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("Model card"));
    resize(640, 560);
    auto* text = new ClosedBrowser(this);
    text->setAccessibleName(tr("Model card"));
    text->setFrameShape(QFrame::NoFrame);
    text->document()->setDocumentMargin(16);
    QString html = QStringLiteral("<h2 style='margin-bottom:2px'>%1</h2>").arg(shownLine(m.name).toHtmlEscaped());
    if (!m.description.isEmpty()) html += QStringLiteral("<p>%1</p>").arg(shownText(m.description).toHtmlEscaped());
    html += QStringLiteral("<table cellpadding='3'>");
    const QString quiet = quietText(palette()).name();
    const auto add = [&](const QString& key, const QString& value) {
        if (!value.isEmpty())
            html += QStringLiteral("<tr><td style='color:%1;padding-right:16px'>%2</td><td>%3</td></tr>")
                        .arg(quiet, key, shownText(value).toHtmlEscaped());
    };
    add(tr("Folder"), m.path);
    add(tr("Format"), m.format);
    add(tr("Hash"), m.hash);
    add(tr("Adapter"), m.adapter);
    if (m.adapterPath != m.path) add(tr("Adapter's folder"), m.adapterPath);
    add(tr("Its base"), m.basePath);
    add(tr("Shape"), tr("%1 layers, %2 heads (%3 KV), head size %4, width %5, %6 pieces")
                         .arg(m.nLayers)
                         .arg(m.nHeads)
                         .arg(m.nKvHeads)
                         .arg(m.headDim)
                         .arg(m.hidden)
                         .arg(formatCount(m.vocab)));
    add(tr("Weights"), formatBytes(m.weightBytes));
    add(tr("KV cache and scratch"), formatBytes(m.heldBytes));
    add(tr("Context"),
        tr("%1 tokens here, trained for %2").arg(formatCount(m.contextTokens), formatCount(m.maxContext)));
    add(tr("Runs on"), QStringLiteral("%1 · %2").arg(shownLine(m.backend, 60), shownLine(m.device)));
    add(tr("KV cache"), shownLine(m.kvType, 60));
    add(tr("Loaded in"), formatDuration(m.loadNs));
    add(tr("Span protocol"), m.protocolVersion ? tr("version %1").arg(m.protocolVersion)
                                               : tr("none: runs as plain text, every step attends to everything"));
    for (const QString& line : m.trainedFor) add(tr("Trained for"), line);
    add(tr("Trained on"), m.trainedOn);
    add(tr("Licence"), m.license);
    html += QStringLiteral("</table>");
    text->setHtml(html);
    if (!m.cardText.isEmpty()) {
        text->append(QStringLiteral("<hr>"));
        QTextCursor end(text->document());
        end.movePosition(QTextCursor::End);
        m_parts = cardParts(m.cardText);
        m_text = text;
        addParts(kPartsAtOnce);
    }
    text->moveCursor(QTextCursor::Start);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(8, 8, 8, 16);
    column->addWidget(text, 1);
    column->addWidget(buttons);
}

/// A few at once, so that an ordinary card is whole before it is seen; what follows comes while it is read.
void ModelCardDialog::addParts(int most) {
    QTextCursor end(m_text->document());
    for (int i = 0; i < most && !m_parts.isEmpty(); ++i) {
        end.movePosition(QTextCursor::End);
        insertCardPart(end, m_parts.takeFirst());
    }
    if (!m_parts.isEmpty()) QTimer::singleShot(0, this, [this] { addParts(1); });
}

}  // namespace spanscope
