#include "ui/views/mask/mask_tiles.h"

#include <QCoreApplication>
#include <QPainter>
#include <QThread>
#include <algorithm>
#include <cmath>
#include <cstring>

namespace spanscope {

namespace {

/// `old` with the lines from `line` on drawn anew. Worker thread.
QImage redraw(const QImage& old, int line, const MaskRows& rows, const MaskScale& scale, int64_t x, int64_t y) {
    constexpr int n = MaskTiles::kTile;
    if (old.isNull() || line <= 0) return rasterMask(rows, scale.x, scale.y, x, y, n, n, scale.style);
    const QImage strip = rasterMask(rows, scale.x, scale.y, x, y + line, n, n - line, scale.style);
    QImage image = old.copy();
    for (int i = line; i < n; ++i)
        std::memcpy(image.scanLine(i), strip.constScanLine(i - line), static_cast<size_t>(n) * sizeof(QRgb));
    return image;
}

}  // namespace

MaskTiles::MaskTiles(QObject* parent) : QObject(parent), m_wanted(std::make_shared<std::atomic<int>>(-1)) {
    m_pool.setMaxThreadCount(std::clamp(QThread::idealThreadCount() - 1, 1, 4));
    m_pool.setThreadPriority(QThread::LowPriority);
}

MaskTiles::~MaskTiles() {
    m_wanted->store(-1);
    m_pool.clear();
    m_pool.waitForDone();
}

void MaskTiles::reset(const MaskRows& rows) {
    m_rows = rows;
    m_tiles.clear();
    m_scales.clear();
    m_current = m_complete = -1;
    m_wanted->store(-1);
    ++m_generation;
}

void MaskTiles::update(const MaskRows& rows) { m_rows = rows; }

int MaskTiles::scaleId(const MaskScale& scale) {
    const auto it = std::find(m_scales.begin(), m_scales.end(), scale);
    if (it != m_scales.end()) return static_cast<int>(it - m_scales.begin());
    m_scales.push_back(scale);
    return static_cast<int>(m_scales.size()) - 1;
}

void MaskTiles::request(const Key& key, const MaskScale& scale, Tile& tile) {
    if (tile.inFlight) return;
    tile.inFlight = true;
    const int64_t y = static_cast<int64_t>(key.ty) * kTile;
    int line = 0;  // first line that a new row touches
    if (!tile.image.isNull()) {
        while (line < kTile && scale.y.cellsAt(y + line).end <= tile.rows) ++line;
        line = std::min(line, kTile - 1);
    }
    // The destructor waits for the workers, so `this` outlives them; what they posted goes with it.
    auto job = [this, wanted = m_wanted, generation = m_generation, key, scale, line, y, old = tile.image,
                rows = m_rows] {
        QImage image;
        if (wanted->load() == key.scale)
            image = redraw(old, line, rows, scale, static_cast<int64_t>(key.tx) * kTile, y);
        m_inbox.post([this, key, generation, image, n = rows.size()] { take(key, generation, image, n); });
    };
    {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(std::move(job));
    }
    m_pool.start(&m_turn);
}

void MaskTiles::Turn::run() {
    std::function<void()> job;
    {
        const std::lock_guard lock(m_tiles.m_mutex);
        if (m_tiles.m_jobs.empty()) return;
        job = std::move(m_tiles.m_jobs.front());
        m_tiles.m_jobs.pop_front();
    }
    job();
}

void MaskTiles::take(const Key& key, int generation, const QImage& image, int rows) {
    if (generation != m_generation) return;
    const auto it = m_tiles.find(key);
    if (it == m_tiles.end()) return;
    it->inFlight = false;
    if (!image.isNull()) {
        it->image = image;
        it->rows = rows;
    }
    if (key.scale == m_current) emit ready();
}

void MaskTiles::evict() {
    if (m_tiles.size() <= kMaxTiles) return;
    std::vector<std::pair<uint64_t, Key>> old;
    for (auto it = m_tiles.begin(); it != m_tiles.end(); ++it)
        if (!it->inFlight && it->used != m_clock) old.emplace_back(it->used, it.key());
    std::sort(old.begin(), old.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const size_t n = std::min(old.size(), static_cast<size_t>(m_tiles.size() - kMaxTiles * 3 / 4));
    for (size_t i = 0; i < n; ++i) m_tiles.remove(old[i].second);
}

bool MaskTiles::paint(QPainter& painter, const MaskScale& scale, int64_t x, int64_t y, int width, int height) {
    const Palette& palette = scale.style.palette();
    painter.save();
    painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    painter.setClipRect(0, 0, width, height);
    painter.fillRect(0, 0, width, height, palette.future);
    ++m_clock;
    m_current = scaleId(scale);
    m_wanted->store(m_current);

    const int64_t firstX = std::max<int64_t>(0, x) / kTile, firstY = std::max<int64_t>(0, y) / kTile;
    const int64_t lastX = (std::min(x + width, scale.x.pixels(m_rows.nColumns())) - 1) / kTile;
    const int64_t lastY = (std::min(y + height, scale.y.pixels(m_rows.size())) - 1) / kTile;
    bool gaps = false, fresh = true;
    for (int64_t ty = firstY; ty <= lastY; ++ty) {
        const int rowsEnd = std::min(scale.y.cellsAt((ty + 1) * kTile - 1).end, m_rows.size());
        for (int64_t tx = firstX; tx <= lastX; ++tx) {
            const Key key{m_current, static_cast<int>(tx), static_cast<int>(ty)};
            Tile& tile = m_tiles[key];
            tile.used = m_clock;
            if (tile.image.isNull() || tile.rows < rowsEnd) {
                fresh = false;
                gaps = gaps || tile.image.isNull();
                request(key, scale, tile);
            }
        }
    }
    if (gaps && m_complete >= 0 && m_complete != m_current) {
        const MaskScale& before = m_scales[static_cast<size_t>(m_complete)];
        const double fx = before.x.cellsPerPixel / scale.x.cellsPerPixel;
        const double fy = before.y.cellsPerPixel / scale.y.cellsPerPixel;
        for (auto it = m_tiles.begin(); it != m_tiles.end(); ++it) {
            if (it.key().scale != m_complete || it->image.isNull()) continue;
            const QRectF target(it.key().tx * kTile * fx - static_cast<double>(x),
                                it.key().ty * kTile * fy - static_cast<double>(y), kTile * fx, kTile * fy);
            if (target.intersects(QRectF(0, 0, width, height))) {
                it->used = m_clock;
                painter.drawImage(target, it->image);
            }
        }
    }
    for (int64_t ty = firstY; ty <= lastY; ++ty)
        for (int64_t tx = firstX; tx <= lastX; ++tx) {
            const auto it = m_tiles.constFind({m_current, static_cast<int>(tx), static_cast<int>(ty)});
            if (it != m_tiles.constEnd() && !it->image.isNull())
                painter.drawImage(QPoint(static_cast<int>(tx * kTile - x), static_cast<int>(ty * kTile - y)),
                                  it->image);
        }
    if (!gaps) m_complete = m_current;
    painter.restore();
    evict();
    if (m_scales.size() > 512 && fresh) {  // ids are indices: start over rather than renumber
        const MaskRows rows = m_rows;
        reset(rows);
        emit ready();
    }
    return fresh;
}

void MaskTiles::finish() {
    m_pool.waitForDone();
    QCoreApplication::sendPostedEvents(&m_inbox, QEvent::User);
}

}  // namespace spanscope
