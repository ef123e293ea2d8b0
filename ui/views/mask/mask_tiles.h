// Pictures of the mask, cut into tiles and computed on worker threads at the scale on screen; the GUI thread only
// blits. Appended rows redraw the lines they touch and nothing else. GUI thread, except where a comment says not.
#pragma once

#include <QHash>
#include <QImage>
#include <QObject>
#include <QRectF>
#include <QRunnable>
#include <QThreadPool>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "ui/model/mailbox.h"
#include "ui/views/mask/mask_raster.h"

class QPainter;

namespace spanscope {

/// What a tile was drawn for, apart from its place.
struct MaskScale {
    MaskAxis x, y;
    MaskStyle style;
    bool operator==(const MaskScale&) const = default;
};

class MaskTiles : public QObject {
    Q_OBJECT
  public:
    static constexpr int kTile = 256;      ///< device pixels a side
    static constexpr int kMaxTiles = 224;  ///< 56 MiB; the oldest go first

    explicit MaskTiles(QObject* parent = nullptr);
    ~MaskTiles() override;

    void reset(const MaskRows& rows);   ///< another run
    void update(const MaskRows& rows);  ///< the same run, grown
    /// Draws the window (x, y, width, height) of the whole picture at painter's (0, 0), one painter unit to a device
    /// pixel. Tiles that are not ready are asked for; what was there at the scale before stands in for them.
    /// Returns true if every tile shown was up to date.
    bool paint(QPainter& painter, const MaskScale& scale, int64_t x, int64_t y, int width, int height);
    /// Waits for all work and takes it in.
    void finish();
    int nTiles() const { return static_cast<int>(m_tiles.size()); }

  signals:
    void ready();  ///< a tile came in: repaint

  private:
    struct Key {
        int scale = 0;
        int tx = 0, ty = 0;
        bool operator==(const Key&) const = default;
        friend size_t qHash(const Key& k, size_t seed = 0) { return qHashMulti(seed, k.scale, k.tx, k.ty); }
    };
    struct Tile {
        QImage image;  ///< null while the first is being computed
        int rows = 0;  ///< rows of the run it knows
        bool inFlight = false;
        uint64_t used = 0;
    };
    /// One turn of a worker: the oldest job that is left. What passes to the workers and back stands under a std::mutex
    /// (see Mailbox); started again and again, so that nothing else is handed over.
    class Turn : public QRunnable {
      public:
        explicit Turn(MaskTiles& tiles) : m_tiles(tiles) { setAutoDelete(false); }
        void run() override;

      private:
        MaskTiles& m_tiles;
    };
    int scaleId(const MaskScale& scale);
    void request(const Key& key, const MaskScale& scale, Tile& tile);
    void take(const Key& key, int generation, const QImage& image, int rows);
    void evict();

    MaskRows m_rows;
    QHash<Key, Tile> m_tiles;
    std::vector<MaskScale> m_scales;  // id = index
    int m_current = -1;               // scale id on screen
    int m_complete = -1;              // last scale id that was shown without gaps
    int m_generation = 0;
    std::shared_ptr<std::atomic<int>> m_wanted;  // scale id that workers should still care for
    uint64_t m_clock = 0;
    std::mutex m_mutex;  // m_jobs
    std::deque<std::function<void()>> m_jobs;
    Mailbox m_inbox;  // what the workers bring
    Turn m_turn{*this};
    QThreadPool m_pool;
};

}  // namespace spanscope
