// Another program cuts a file while it is mapped: the process ends with a sentence and its code, not by a signal.
#include <sys/wait.h>
#include <unistd.h>

#include <QtTest>

#include <atomic>
#include <functional>
#include <thread>

#include "engine/model/mapped_file.h"
#include "engine/model/mapped_file_guard.h"
#include "engine/model/model.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using test::writeFile;

namespace {

struct Ending {
    int status = -1;  ///< of waitpid(); -1: there was no child
    QByteArray said;  ///< on stderr

    bool isCode(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
    QString text() const { return QString("status %1: ").arg(status) + said; }
};

/// Does `work` in a process of its own whose mapped files are guarded. What it returns is the exit code.
Ending guarded(const std::function<int()>& work) {
    Ending ending;
    int ends[2];
    if (pipe(ends) != 0) return ending;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        guardMappedFiles("a program", 3);
        _exit(work());
    }
    close(ends[1]);
    char buffer[256];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) ending.said.append(buffer, n);
    close(ends[0]);
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child) ending.status = status;
    return ending;
}

}  // namespace

class TestMappedFiles : public QObject {
    Q_OBJECT
  private slots:
    void cutWhileMapped() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        const std::string weights = folder.file("model.safetensors");
        const Ending end = guarded([&] {
            const auto model = openModel(folder.path());
            if (!model || truncate(weights.c_str(), 16) != 0) return 10;
            const TensorView& head = (*model)->weights().layers.back().down;
            volatile uint8_t last = static_cast<const uint8_t*>(head.data)[head.nBytes() - 1];
            return last == 0 ? 11 : 12;  // not reached
        });
        QVERIFY2(end.isCode(3), qPrintable(end.text()));
        QVERIFY2(
            end.said.contains("a program: error: " + QByteArray::fromStdString(weights) + ": the file was cut short"),
            end.said);
    }

    /// Any number of shards, any number of threads that read them: one message, whole, about the right file.
    void cutWhileManyReadManyShards() {
        test::ScratchFolder folder;
        constexpr int kShards = 600;
        const auto shardAt = [&](int i) { return folder.file("shard-" + std::to_string(i)); };
        for (int i = 0; i < kShards; ++i) QVERIFY(writeFile(shardAt(i), std::string(9000, 'x')));
        for (const int cut : {0, 255, 256, 599}) {
            const Ending end = guarded([&] {
                std::vector<std::shared_ptr<const MappedFile>> shards;
                for (int i = 0; i < kShards; ++i) {
                    auto shard = MappedFile::open(shardAt(i));
                    if (!shard) return 10;
                    shards.push_back(std::move(*shard));
                }
                if (truncate(shardAt(cut).c_str(), 16) != 0) return 11;
                std::atomic<bool> go{false};
                std::vector<std::thread> threads;
                for (int t = 0; t < 8; ++t)
                    threads.emplace_back([&] {
                        while (!go) {}
                        volatile uint8_t last = shards[size_t(cut)]->bytes()[8999];
                        (void)last;
                    });
                go = true;
                for (std::thread& t : threads) t.join();
                return 12;  // not reached
            });
            QVERIFY2(end.isCode(3), qPrintable(end.text()));
            QVERIFY2(end.said.startsWith("\na program: error: " + QByteArray::fromStdString(shardAt(cut)) +
                                         ": the file was cut short"),
                     end.said);
            QVERIFY2(end.said.endsWith("opened with)\n") && end.said.count("a program") == 1, end.said);
            QVERIFY(writeFile(shardAt(cut), std::string(9000, 'x')));
        }
    }
};

QTEST_GUILESS_MAIN(TestMappedFiles)
#include "tst_mapped_files.moc"
