#include "ui/export/figure.h"

#include <qcustomplot.h>
#include <QApplication>
#include <QBuffer>
#include <QFileInfo>
#include <QPageSize>
#include <QPdfWriter>
#include <QRegularExpression>
#include <QSvgGenerator>
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/files/output_file.h"
#include "ui/export/figure_page.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {
constexpr double kDpi = 96, kMmPerInch = 25.4;
}

double pageZoom(const FigureOptions& o) {
    return o.fontPoints > 0 ? std::clamp(o.fontPoints, 4.0, 24.0) / kFontPoints : 1;
}

double outerWidth(const FigureOptions& o) {
    const double units = o.widthMm > 0 ? std::clamp(o.widthMm, kLeastMm, kMostMm) * kDpi / kMmPerInch
                                       : double(std::clamp(o.width, 320, 4000));
    return units / pageZoom(o);
}

QFont figureFont(const FigureOptions& o, double pixels, bool bold) {
    QStringList families{QStringLiteral("DejaVu Sans"), QStringLiteral("Sans Serif")};
    if (!o.fontFamily.empty()) families.prepend(QString::fromStdString(o.fontFamily));
    QFont font(families);
    font.setPixelSize(static_cast<int>(std::lround(pixels)));
    font.setBold(bold);
    return font;
}

namespace {

constexpr double kMaxPixels = 3e8;
constexpr int kSvgHead = 300;  ///< bytes, all of them ASCII, that hold the size

using MakePage = FigurePage (*)(const ExportSource&, const FigureOptions&);
#define SPANSCOPE_FIGURE_PAGE(kind, name, title, about, needs, whyEmpty, page) page,
constexpr std::array<MakePage, kFigures.size()> kPages{SPANSCOPE_FIGURES(SPANSCOPE_FIGURE_PAGE)};
#undef SPANSCOPE_FIGURE_PAGE

/// A page with its title and caption, measured once.
struct Sheet {
    FigurePage page;
    QSizeF size;  ///< units of the page; times pageZoom() 1/96 inch
    double textWidth = 0;
    double captionTop = 0, captionHeight = 0;
};

Sheet layOut(FigurePage page, const FigureOptions& o) {
    Sheet sheet;
    // Asked for in mm a page is as wide as that; else it closes up around what it holds.
    const double around = std::ceil(page.body.width() + 2 * kFigureMargin);
    const double width = o.widthMm > 0 ? outerWidth(o) : around;
    sheet.textWidth = width - 2 * kFigureMargin;
    if (!page.caption.isEmpty()) {
        const QFontMetricsF metrics(figureFont(o, 11));
        sheet.captionHeight =
            metrics.boundingRect(QRectF(0, 0, sheet.textWidth, 1e4), Qt::TextWordWrap, page.caption).height() + 2;
    }
    sheet.captionTop = kFigureMargin + titleHeight(page.title) + page.body.height() + (page.caption.isEmpty() ? 0 : 8);
    sheet.size = QSizeF(width, std::ceil(sheet.captionTop + sheet.captionHeight + kFigureMargin));
    sheet.page = std::move(page);
    return sheet;
}

void paintSheet(QCPPainter& painter, const Sheet& sheet, const FigureOptions& o) {
    const Palette& palette = Palette::of(o.dark);
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.setRenderHint(QPainter::TextAntialiasing, true);
    painter.fillRect(QRectF(QPointF(0, 0), sheet.size), palette.ground);
    const double width = sheet.textWidth;
    painter.setPen(palette.ink);
    // A title that is too long for a narrow page is set smaller, and only then cut.
    double size = 14;
    while (size > 9 && QFontMetricsF(figureFont(o, size, true)).horizontalAdvance(sheet.page.title) > width) --size;
    painter.setFont(figureFont(o, size, true));
    painter.drawText(QRectF(kFigureMargin, kFigureMargin - 4, width, titleHeight(sheet.page.title)),
                     Qt::AlignLeft | Qt::AlignTop,
                     QFontMetricsF(painter.font()).elidedText(sheet.page.title, Qt::ElideRight, width));
    sheet.page.paint(painter, QPointF(kFigureMargin, kFigureMargin + titleHeight(sheet.page.title)));
    painter.setPen(palette.inkSoft);
    painter.setFont(figureFont(o, 11));
    painter.drawText(QRectF(kFigureMargin, sheet.captionTop, width, sheet.captionHeight + 4),
                     Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, sheet.page.caption);
}

QImage rasterSheet(const Sheet& sheet, const FigureOptions& o, const RunData& run, FigureKind kind) {
    const double scale = std::clamp(o.scale, 1, 4) * pageZoom(o);
    const QSizeF pixels = sheet.size * scale;
    if (pixels.width() * pixels.height() > kMaxPixels) return {};
    QImage image(static_cast<int>(std::lround(pixels.width())), static_cast<int>(std::lround(pixels.height())),
                 QImage::Format_RGB32);
    if (image.isNull()) return image;
    image.fill(Palette::of(o.dark).ground);
    const double perMeter = kDpi * std::clamp(o.scale, 1, 4) / 0.0254;
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
    text("Figure", figureInfo(kind).name);
    text("Model", run.header.modelName);
    text("ModelHash", run.header.modelHash);
    text("Adapter", run.header.adapter.text());
    text("Branch", run.header.branch.description());
    text("Task", run.header.settings.task);
    text("Attention", run.header.settings.attention.text());
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

Result<Sheet> prepare(FigureKind kind, const ExportSource& source, const FigureOptions& o) {
    if (!qobject_cast<QApplication*>(QCoreApplication::instance()))
        return error(ErrorCode::InvalidArgument, "a figure needs an application object (FigureApplication)", {});
    const FigureInfo& info = figureInfo(kind);
    if (!hasWhatIsNeeded(source, info.needs))
        return error(ErrorCode::InvalidArgument,
                     info.needs == ExportNeeds::Other ? "a difference needs a second run" : info.whyEmpty, {});
    FigurePage page = figurePage(kind, source, o);
    if (!page.paint) return error(ErrorCode::InvalidArgument, info.whyEmpty, {});
    return layOut(std::move(page), o);
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
    svg.setSize((sheet.size * pageZoom(o)).toSize());
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
    // Qt writes the size of whole pixels; a page in mm is to be what was asked for.
    const auto mm = [&o](double units) { return QString::number(units * pageZoom(o) * kMmPerInch / kDpi, 'f', 3); };
    static const QRegularExpression size(QStringLiteral("width=\"[0-9.]+mm\" height=\"[0-9.]+mm\""));
    QString text = QString::fromUtf8(bytes.left(kSvgHead));
    text.replace(size,
                 QStringLiteral("width=\"%1mm\" height=\"%2mm\"").arg(mm(sheet.size.width()), mm(sheet.size.height())));
    return wellFormed(text.toUtf8() + bytes.mid(kSvgHead));
}

QByteArray pdfBytes(const Sheet& sheet, const FigureOptions& o) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter pdf(&buffer);
    pdf.setResolution(static_cast<int>(kDpi));
    const double zoom = pageZoom(o);
    pdf.setPageSize(QPageSize(sheet.size * zoom * 72 / kDpi, QPageSize::Point, {}, QPageSize::ExactMatch));
    pdf.setPageMargins(QMarginsF(0, 0, 0, 0));
    pdf.setTitle(sheet.page.title);
    pdf.setCreator(QStringLiteral("Spanscope"));
    QCPPainter painter;
    painter.begin(&pdf);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    painter.setRenderHint(QPainter::LosslessImageRendering, true);
    painter.scale(zoom, zoom);
    paintSheet(painter, sheet, o);
    painter.end();
    return bytes;
}

}  // namespace

FigurePage figurePage(FigureKind kind, const ExportSource& source, const FigureOptions& options) {
    return kPages[static_cast<size_t>(kind)](source, options);
}

QImage figureImage(FigureKind kind, const ExportSource& source, const FigureOptions& options) {
    const Result<Sheet> sheet = prepare(kind, source, options);
    return sheet ? rasterSheet(*sheet, options, *source.run, kind) : QImage();
}

Result<std::string> figureBytes(FigureKind kind, PictureFormat format, const ExportSource& source,
                                const FigureOptions& options) {
    const Result<Sheet> sheet = prepare(kind, source, options);
    if (!sheet) return sheet.error();
    switch (format) {
        case PictureFormat::Png: break;
        case PictureFormat::Svg: return svgBytes(*sheet, options).toStdString();
        case PictureFormat::Pdf: return pdfBytes(*sheet, options).toStdString();
    }
    const QImage image = rasterSheet(*sheet, options, *source.run, kind);
    if (image.isNull())
        return error(ErrorCode::OutOfMemory, "the picture is too large; choose a smaller scale or width", {});
    return encodePng(image);
}

Status renderFigure(FigureKind kind, const ExportSource& source, const FigureOptions& options, const std::string& path,
                    std::optional<PictureFormat> format) {
    const std::string ending = QFileInfo(QString::fromStdString(path)).suffix().toLower().toStdString();
    if (!format) format = pictureNamed(ending);
    if (!format) {
        Error e = error(ErrorCode::InvalidArgument, "the ending of the file name says the format", path);
        e.found = ending.empty() ? "no ending" : "." + ending;
        e.expected = ".png, .svg or .pdf";
        return e;
    }
    const Result<std::string> bytes = figureBytes(kind, *format, source, options);
    if (bytes) return writeFile(path, *bytes);
    Error e = bytes.error();
    e.file = path;
    return e;
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
