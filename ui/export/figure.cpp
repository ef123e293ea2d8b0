#include "ui/export/figure.h"

#include <qcustomplot.h>
#include <QApplication>
#include <QBuffer>
#include <QFileInfo>
#include <QPageSize>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <algorithm>
#include <cmath>

#include "engine/files/output_file.h"
#include "ui/export/figure_page.h"

namespace spanscope {

const char* figureKindName(FigureKind kind) {
    switch (kind) {
        case FigureKind::Mask: return "mask";
        case FigureKind::Throughput: return "throughput";
        case FigureKind::Timeline: return "timeline";
        case FigureKind::Graph: return "graph";
        case FigureKind::Difference: return "difference";
        case FigureKind::Attention: return "attention";
        case FigureKind::Heads: return "heads";
        case FigureKind::Divergence: return "divergence";
    }
    return "";
}

bool figureKindFromName(const std::string& name, FigureKind& kind) {
    for (const FigureKind k :
         {FigureKind::Mask, FigureKind::Throughput, FigureKind::Timeline, FigureKind::Graph, FigureKind::Difference,
          FigureKind::Attention, FigureKind::Heads, FigureKind::Divergence})
        if (name == figureKindName(k)) {
            kind = k;
            return true;
        }
    return false;
}

QFont figureFont(double pixels, bool bold) {
    QFont font(QStringList{QStringLiteral("DejaVu Sans"), QStringLiteral("Sans Serif")});
    font.setPixelSize(static_cast<int>(std::lround(pixels)));
    font.setBold(bold);
    return font;
}

namespace {

constexpr double kDpi = 96;
constexpr double kMaxPixels = 3e8;

FigurePage makePage(FigureKind kind, const FigureSource& s, const FigureOptions& o) {
    switch (kind) {
        case FigureKind::Mask: return maskPage(*s.run, o);
        case FigureKind::Throughput: return throughputPage(*s.run, s.other, o);
        case FigureKind::Timeline: return timelinePage(*s.run, s.other, o);
        case FigureKind::Graph: return graphPage(*s.run, o);
        case FigureKind::Difference: return s.other ? differencePage(*s.run, *s.other, o) : FigurePage{};
        case FigureKind::Attention: return s.probe ? attentionPage(*s.run, *s.probe, o) : FigurePage{};
        case FigureKind::Heads: return s.probe ? headsPage(*s.run, *s.probe, o) : FigurePage{};
        case FigureKind::Divergence: return s.curve ? divergencePage(*s.run, *s.curve, o) : FigurePage{};
    }
    return {};
}

const char* whyEmpty(FigureKind kind, const FigureSource& s) {
    switch (kind) {
        case FigureKind::Graph: return "the run has no segments to draw";
        case FigureKind::Difference:
            return s.other ? "the two runs have no steps of one prompt in common" : "a difference needs a second run";
        case FigureKind::Attention:
        case FigureKind::Heads: return "needs a step probed in inspect mode";
        case FigureKind::Divergence: return "needs the run replayed in inspect mode";
        default: return "the run has no steps to draw";
    }
}

/// A page with its title and caption, measured once.
struct Sheet {
    FigurePage page;
    QSizeF size;
    double captionTop = 0, captionHeight = 0;
};

Sheet layOut(FigurePage page) {
    Sheet sheet;
    const double width = page.body.width() + 2 * kFigureMargin;
    if (!page.caption.isEmpty()) {
        const QFontMetricsF metrics(figureFont(11));
        sheet.captionHeight =
            metrics.boundingRect(QRectF(0, 0, page.body.width(), 1e4), Qt::TextWordWrap, page.caption).height() + 2;
    }
    sheet.captionTop = kFigureMargin + titleHeight(page.title) + page.body.height() + (page.caption.isEmpty() ? 0 : 8);
    sheet.size = QSizeF(std::ceil(width), std::ceil(sheet.captionTop + sheet.captionHeight + kFigureMargin));
    sheet.page = std::move(page);
    return sheet;
}

void paintSheet(QCPPainter& painter, const Sheet& sheet, const FigureOptions& o) {
    const Palette& palette = Palette::of(o.dark);
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.setRenderHint(QPainter::TextAntialiasing, true);
    painter.fillRect(QRectF(QPointF(0, 0), sheet.size), palette.ground);
    const double width = sheet.page.body.width();
    painter.setPen(palette.ink);
    painter.setFont(figureFont(14, true));
    painter.drawText(QRectF(kFigureMargin, kFigureMargin - 4, width, titleHeight(sheet.page.title)),
                     Qt::AlignLeft | Qt::AlignTop, sheet.page.title);
    sheet.page.paint(painter, QPointF(kFigureMargin, kFigureMargin + titleHeight(sheet.page.title)));
    painter.setPen(palette.inkSoft);
    painter.setFont(figureFont(11));
    painter.drawText(QRectF(kFigureMargin, sheet.captionTop, width, sheet.captionHeight + 4),
                     Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, sheet.page.caption);
}

QImage rasterSheet(const Sheet& sheet, const FigureOptions& o, const RunData& run, FigureKind kind) {
    const int scale = std::clamp(o.scale, 1, 4);
    if (sheet.size.width() * sheet.size.height() * scale * scale > kMaxPixels) return {};
    QImage image(static_cast<int>(sheet.size.width()) * scale, static_cast<int>(sheet.size.height()) * scale,
                 QImage::Format_RGB32);
    if (image.isNull()) return image;
    const double perMeter = kDpi * scale / 0.0254;
    {
        QCPPainter painter(&image);
        painter.scale(scale, scale);
        paintSheet(painter, sheet, o);
    }
    image.setDotsPerMeterX(static_cast<int>(std::lround(perMeter)));
    image.setDotsPerMeterY(static_cast<int>(std::lround(perMeter)));
    const auto text = [&image](const char* key, const std::string& value) {
        if (!value.empty()) image.setText(QString::fromLatin1(key), QString::fromStdString(value));
    };
    image.setText(QStringLiteral("Title"), sheet.page.title);
    image.setText(QStringLiteral("Description"), sheet.page.caption);
    text("Software", run.header.programVersion.empty() ? "Spanscope" : "Spanscope " + run.header.programVersion);
    text("Figure", figureKindName(kind));
    text("Model", run.header.modelName);
    text("ModelHash", run.header.modelHash);
    text("Task", run.header.settings.task);
    text("Attention", QString::fromStdString(run.header.settings.attention.text()));
    text("Seed", std::to_string(run.header.settings.sampler.seed));
    text("Device", run.header.device);
    text("Steps", std::to_string(run.steps.size()));
    return image;
}

Error error(ErrorCode code, std::string message, const std::string& path) {
    Error e;
    e.code = code;
    e.message = std::move(message);
    e.file = path;
    return e;
}

Result<Sheet> prepare(FigureKind kind, const FigureSource& source, const FigureOptions& o, const std::string& path) {
    if (!qobject_cast<QApplication*>(QCoreApplication::instance()))
        return error(ErrorCode::InvalidArgument, "a figure needs an application object (FigureApplication)", path);
    FigurePage page = makePage(kind, source, o);
    if (!page.paint) return error(ErrorCode::InvalidArgument, whyEmpty(kind, source), path);
    return layOut(std::move(page));
}

std::string encodePng(const QImage& image) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    image.save(&buffer, "PNG");
    return bytes.toStdString();
}

/// XML 1.0 has no place for control characters, escaped or not, and Qt writes them as they are.
QByteArray wellFormed(const QByteArray& svg) {
    QString text = QString::fromUtf8(svg);
    for (qsizetype i = 0; i < text.size(); ++i) {
        const char16_t c = text[i].unicode();
        const bool pair = text[i].isHighSurrogate() && i + 1 < text.size() && text[i + 1].isLowSurrogate();
        if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || (c >= 0x7F && c < 0xA0) || c >= 0xFFFE ||
            (text[i].isSurrogate() && !pair))
            text[i] = QChar(QChar::ReplacementCharacter);
        else if (pair) ++i;
    }
    return text.toUtf8();
}

QByteArray svgBytes(const Sheet& sheet, const FigureOptions& o) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QSvgGenerator svg;
    svg.setOutputDevice(&buffer);
    svg.setSize(sheet.size.toSize());
    svg.setViewBox(QRectF(QPointF(0, 0), sheet.size));
    svg.setResolution(static_cast<int>(kDpi));
    svg.setTitle(sheet.page.title.toHtmlEscaped());  // Qt writes both as they are
    svg.setDescription(sheet.page.caption.toHtmlEscaped());
    QCPPainter painter;
    painter.begin(&svg);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    paintSheet(painter, sheet, o);
    painter.end();
    return wellFormed(bytes);
}

void writePdf(QIODevice* device, const Sheet& sheet, const FigureOptions& o) {
    QPdfWriter pdf(device);
    pdf.setResolution(static_cast<int>(kDpi));
    pdf.setPageSize(QPageSize(sheet.size * 72 / kDpi, QPageSize::Point, {}, QPageSize::ExactMatch));
    pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
    pdf.setTitle(sheet.page.title);
    pdf.setCreator(QStringLiteral("Spanscope"));
    QCPPainter painter;
    painter.begin(&pdf);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    painter.setRenderHint(QPainter::LosslessImageRendering, true);
    paintSheet(painter, sheet, o);
    painter.end();
}

}  // namespace

QImage figureImage(FigureKind kind, const FigureSource& source, const FigureOptions& options) {
    const Result<Sheet> sheet = prepare(kind, source, options, {});
    return sheet ? rasterSheet(*sheet, options, *source.run, kind) : QImage();
}

Result<std::string> figurePng(FigureKind kind, const FigureSource& source, const FigureOptions& options) {
    const Result<Sheet> sheet = prepare(kind, source, options, {});
    if (!sheet) return sheet.error();
    const QImage image = rasterSheet(*sheet, options, *source.run, kind);
    if (image.isNull())
        return error(ErrorCode::OutOfMemory, "the picture is too large; choose a smaller scale or width", {});
    return encodePng(image);
}

Status renderFigure(FigureKind kind, const FigureSource& source, const FigureOptions& options,
                    const std::string& path) {
    QString suffix = QFileInfo(QString::fromStdString(path)).suffix().toLower();
    if (options.format == FigureFormat::Png) suffix = "png";
    if (options.format == FigureFormat::Svg) suffix = "svg";
    if (options.format == FigureFormat::Pdf) suffix = "pdf";
    if (suffix != "png" && suffix != "svg" && suffix != "pdf") {
        Error e = error(ErrorCode::InvalidArgument, "the ending of the file name says the format", path);
        e.found = suffix.isEmpty() ? "no ending" : "." + suffix.toStdString();
        e.expected = ".png, .svg or .pdf";
        return e;
    }
    const Result<Sheet> sheet = prepare(kind, source, options, path);
    if (!sheet) return sheet.error();
    QByteArray bytes;
    if (suffix == "png") {
        const QImage image = rasterSheet(*sheet, options, *source.run, kind);
        if (image.isNull())
            return error(ErrorCode::OutOfMemory, "the picture is too large; choose a smaller scale or width", path);
        bytes = QByteArray::fromStdString(encodePng(image));
    } else if (suffix == "svg") {
        bytes = svgBytes(*sheet, options);
    } else {
        QBuffer buffer(&bytes);
        buffer.open(QIODevice::WriteOnly);
        writePdf(&buffer, *sheet, options);
    }
    return writeFile(path, {bytes.constData(), static_cast<size_t>(bytes.size())});
}

Status renderMask(const RunData& run, const FigureOptions& options, const std::string& path) {
    return renderFigure(FigureKind::Mask, {&run}, options, path);
}
Status renderThroughput(const RunData& declared, const RunData* maybeDense, const FigureOptions& options,
                        const std::string& path) {
    return renderFigure(FigureKind::Throughput, {&declared, maybeDense}, options, path);
}
Status renderTimeline(const RunData& run, const RunData* maybeDense, const FigureOptions& options,
                      const std::string& path) {
    return renderFigure(FigureKind::Timeline, {&run, maybeDense}, options, path);
}
Status renderGraph(const RunData& run, const FigureOptions& options, const std::string& path) {
    return renderFigure(FigureKind::Graph, {&run}, options, path);
}

struct FigureApplication::Impl {
    int argc = 1;
    char name[10] = "spanscope";
    char* argv[2] = {name, nullptr};
    std::unique_ptr<QApplication> application;
};

FigureApplication::FigureApplication() : m_impl(std::make_unique<Impl>()) {
    if (QCoreApplication::instance()) return;
    const QByteArray before = qgetenv("QT_QPA_PLATFORM");
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const auto handler = qInstallMessageHandler([](QtMsgType, const QMessageLogContext&, const QString&) {});
    m_impl->application = std::make_unique<QApplication>(m_impl->argc, m_impl->argv);
    qInstallMessageHandler(handler);
    if (before.isNull()) qunsetenv("QT_QPA_PLATFORM");
    else qputenv("QT_QPA_PLATFORM", before);
}

FigureApplication::~FigureApplication() = default;

}  // namespace spanscope
