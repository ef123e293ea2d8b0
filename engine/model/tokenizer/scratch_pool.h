// Room that one call at a time may use, kept for the next one. Private to engine/model.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace spanscope {

/// As many as threads have asked at the same time. Any thread may ask.
template <class Scratch>
class ScratchPool {
  public:
    /// A scratch for the time of one call.
    class Borrowed {
      public:
        /// What `make()` returns, a unique_ptr, where none is idle.
        template <class Make>
        Borrowed(ScratchPool& pool, const Make& make) : m_pool(pool) {
            {
                const std::lock_guard lock(pool.m_mutex);
                if (!pool.m_idle.empty()) {
                    m_scratch = std::move(pool.m_idle.back());
                    pool.m_idle.pop_back();
                }
            }
            if (m_scratch == nullptr) m_scratch = make();
        }
        ~Borrowed() {
            const std::lock_guard lock(m_pool.m_mutex);
            m_pool.m_idle.push_back(std::move(m_scratch));
        }
        Borrowed(const Borrowed&) = delete;
        Borrowed& operator=(const Borrowed&) = delete;
        Scratch& operator*() const { return *m_scratch; }

      private:
        ScratchPool& m_pool;
        std::unique_ptr<Scratch> m_scratch;
    };

  private:
    std::mutex m_mutex;
    std::vector<std::unique_ptr<Scratch>> m_idle;
};

}  // namespace spanscope
