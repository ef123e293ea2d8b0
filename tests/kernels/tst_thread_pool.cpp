// Every chunk once, whatever the number of threads and the rhythm of calls.
#include <QDeadlineTimer>
#include <QtTest>
#include <numeric>

#include "kernels/cpu/thread_pool.h"

using spanscope::cpu::ThreadPool;

class TestThreadPool : public QObject {
    Q_OBJECT

  private slots:
    void everyChunkOnce_data() {
        QTest::addColumn<int>("threads");
        for (int n : {1, 2, 3, 8}) QTest::addRow("%d threads", n) << n;
    }
    void everyChunkOnce() {
        QFETCH(int, threads);
        ThreadPool pool(threads);
        QCOMPARE(pool.nThreads(), threads);
        std::vector<int> hits(1000);
        bool threadsInRange = true;
        for (int round = 0; round < 10000; ++round) {
            const int n = round % 7 == 0 ? 1000 : round % 5;
            std::fill(hits.begin(), hits.end(), 0);
            pool.parallelFor(n, [&](int64_t i, int32_t t) {
                ++hits[size_t(i)];
                if (t < 0 || t >= threads) threadsInRange = false;
            });
            QCOMPARE(std::accumulate(hits.begin(), hits.end(), 0), n);
            QVERIFY(std::all_of(hits.begin(), hits.begin() + n, [](int h) { return h == 1; }));
        }
        QVERIFY(threadsInRange);
    }

    /// One thread hangs on to its chunk until all others are done: they must have taken what was its own.
    void oneThreadIsHeldUp_data() { everyChunkOnce_data(); }
    void oneThreadIsHeldUp() {
        QFETCH(int, threads);
        if (threads == 1) QSKIP("nobody to take over");
        ThreadPool pool(threads);
        for (int held : {0, 1, 199, 399}) {
            std::vector<std::atomic<int>> hits(400);
            std::atomic<int> others{0};
            std::atomic<bool> inTime{true};
            pool.parallelFor(400, [&](int64_t i, int32_t) {
                ++hits[size_t(i)];
                if (i != held) {
                    ++others;
                    return;
                }
                const QDeadlineTimer deadline(30'000);
                while (others < 399 && inTime)
                    if (deadline.hasExpired()) inTime = false;
            });
            QVERIFY2(inTime, qPrintable(QString("%1 of 399 chunks were done by others").arg(others.load())));
            QVERIFY(std::all_of(hits.begin(), hits.end(), [](const std::atomic<int>& h) { return h == 1; }));
        }
    }

    /// Helpers have gone to sleep in between; they must neither miss work nor hang at the end.
    void afterSleep() {
        ThreadPool pool(4);
        for (int round = 0; round < 20; ++round) {
            QTest::qSleep(2);
            std::atomic<int> sum{0};
            pool.parallelFor(64, [&](int64_t i, int32_t) { sum += int(i); });
            QCOMPARE(sum.load(), 2016);
        }
    }
};

QTEST_GUILESS_MAIN(TestThreadPool)
#include "tst_thread_pool.moc"
