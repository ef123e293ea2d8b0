#include "engine/files/output_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

namespace spanscope {

namespace {

namespace fs = std::filesystem;

/// Temporaries to remove when a signal ends the process: a handler reaches nothing but globals. `used` is written last.
struct Listed {
    std::array<char, PATH_MAX> path{};
    std::atomic<int> used{0};  ///< 0 free, 1 being written, 2 to remove
};
std::array<Listed, 16> s_listed;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): the handler's
static_assert(std::atomic<int>::is_always_lock_free);

/// Null where all places are taken: the file is then left behind, and nothing else is wrong.
const char* enlist(const std::string& path) {
    if (path.size() >= PATH_MAX) return nullptr;
    for (Listed& entry : s_listed) {
        int expected = 0;
        if (!entry.used.compare_exchange_strong(expected, 1)) continue;
        std::memcpy(entry.path.data(), path.c_str(), path.size() + 1);
        entry.used.store(2, std::memory_order_release);
        return entry.path.data();
    }
    return nullptr;
}

void forget(const char* listed) {
    for (Listed& entry : s_listed)
        if (entry.path.data() == listed) entry.used.store(0, std::memory_order_release);
}

/// Where the bytes for a path go.
struct Target {
    std::string path;      ///< behind the links
    bool direct = false;   ///< a device or a pipe, or a link to what this process has open: nothing to rename over
    bool foreign = false;  ///< led there by a link that somebody else put into a folder for all (/tmp)
};

/// Linux's own rule for links in such folders (protected_symlinks), which does not see links that are read by hand.
bool isForeignLink(const fs::path& link) {
    struct stat made {
    }, folder{};
    const std::string parent = link.parent_path().empty() ? "." : link.parent_path().string();
    if (lstat(link.c_str(), &made) != 0 || stat(parent.c_str(), &folder) != 0) return false;
    const bool forAll = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
    return forAll && made.st_uid != geteuid() && made.st_uid != folder.st_uid;
}

Target targetOf(const std::string& path) {
    std::error_code none;
    const auto status = fs::status(path, none);
    if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status)) return {path, true, false};
    fs::path at = path;
    for (int nLinks = 0; fs::is_symlink(fs::symlink_status(at, none));
         ++nLinks) {  // by hand: the last may lead nowhere yet
        const std::string name = at.lexically_normal().string();
        if (name.starts_with("/dev/") || name.starts_with("/proc/"))
            return {path, true, false};  // /dev/stdout, sent to a file
        if (isForeignLink(at)) return {path, false, true};
        const fs::path next = fs::read_symlink(at, none);
        if (none || nLinks > 40) return {path, true, false};  // opening it says what is wrong
        at = at.parent_path() / next;
    }
    return {at.string(), false, false};
}

/// "name.x7k2p9.part": room for the additions is made at the end of a name that is as long as names may be.
std::string temporaryName(const std::string& name, size_t mostBytes) {
    static constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::array<unsigned char, 6> random{};
    if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        random.fill(0);  // taken names are tried again
    std::string ending = ".";
    for (const unsigned char r : random) ending += kDigits[r % (sizeof kDigits - 1)];
    ending += ".part";
    size_t keep = std::min(name.size(), mostBytes > ending.size() ? mostBytes - ending.size() : 0);
    while (keep > 0 && keep < name.size() && (static_cast<unsigned char>(name[keep]) & 0xC0U) == 0x80U)
        --keep;  // not inside a character
    return name.substr(0, keep) + ending;
}

/// A new file beside `target`, with the rights that the umask leaves. Listed before it is there: a signal that comes
/// while the disk makes it is handled before the next line of ours runs. -1: errno says why, and nothing is listed.
int createBeside(const std::string& target, std::string& temporary, const char*& listed) {
    const fs::path at = target;
    const std::string folder = at.parent_path().empty() ? std::string(".") : at.parent_path().string();
    const long longest = pathconf(folder.c_str(), _PC_NAME_MAX);
    const size_t mostBytes = longest > 0 ? static_cast<size_t>(longest) : 255;
    if (at.filename().native().size() > mostBytes) {  // known now, not when the work is done
        errno = ENAMETOOLONG;
        return -1;
    }
    for (int attempt = 0; attempt < 100; ++attempt) {
        temporary = (at.parent_path() / temporaryName(at.filename().string(), mostBytes)).string();
        listed = enlist(temporary);
        const int fd = open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0666);
        if (fd >= 0) return fd;
        forget(listed);
        listed = nullptr;
        if (errno != EEXIST) return -1;
    }
    return -1;
}

/// Not every file system can sync; what it cannot is no fault of the file.
bool synced(int fd) { return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS; }

/// The new name itself, too. A folder that may not be read is written all the same.
void syncFolderOf(const std::string& path) {
    const fs::path parent = fs::path(path).parent_path();
    const int fd = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

Status checkNoFolder(const std::string& path) {
    std::error_code none;
    if (fs::is_directory(path, none)) return Error{ErrorCode::Io, "is a folder; name a file", path};
    return {};
}

}  // namespace

void OutputFile::Forget::operator()(const char* listed) const { forget(listed); }

void OutputFile::removeUnfinished() {
    for (Listed& entry : s_listed)
        if (entry.used.load(std::memory_order_acquire) == 2) unlink(entry.path.data());
}

Error OutputFile::failure(const char* what) const {
    Error e;
    e.code = ErrorCode::Io;
    e.message = std::string(what) + ": " + std::strerror(m_errno);
    e.file = m_path;
    return e;
}

Result<OutputFile> OutputFile::create(const std::string& path) {
    if (Status ok = checkNoFolder(path); !ok) return ok.error();
    Target target = targetOf(path);
    if (target.foreign)
        return Error{ErrorCode::Io,
                     "is a link that another user put into a folder that everybody writes to; name a file", path};
    OutputFile file;
    file.m_path = path;
    file.m_direct = target.direct;
    file.m_target = std::move(target.path);
    int fd = -1;
    if (file.m_direct) {
        file.m_temporary = path;
        fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    } else {
        const char* listed = nullptr;
        fd = createBeside(file.m_target, file.m_temporary, listed);
        file.m_listed.reset(listed);
    }
    if (fd >= 0) file.m_file.reset(fdopen(fd, "wb"));
    if (!file.m_file) {
        file.m_errno = errno;
        if (fd >= 0) close(fd);
        if (fd >= 0 && !file.m_direct) file.removeTemporary();
        return file.failure("cannot be created");
    }
    return file;
}

OutputFile::~OutputFile() {
    if (!m_file) return;
    m_file.reset();
    if (!m_keep && !m_direct) removeTemporary();
}

void OutputFile::removeTemporary() { unlink(m_temporary.c_str()); }

void OutputFile::keepTemporary() {
    m_keep = true;
    m_listed.reset();
}

void OutputFile::write(std::string_view bytes) {
    if (m_errno == 0 && std::fwrite(bytes.data(), 1, bytes.size(), m_file.get()) != bytes.size()) m_errno = errno;
}

void OutputFile::flush() {
    if (m_errno == 0 && std::fflush(m_file.get()) != 0) m_errno = errno;
}

Status OutputFile::checkRoomFor(uint64_t nBytes) const {
    struct statvfs disk {};
    if (m_direct || !m_file || fstatvfs(fileno(m_file.get()), &disk) != 0) return {};
    const uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
    if (nBytes <= room) return {};
    return Error{ErrorCode::Io,
                 "does not fit on the disk",
                 m_path,
                 {},
                 std::to_string(room) + " bytes free",
                 std::to_string(nBytes) + " bytes"};
}

void OutputFile::seek(int64_t position) {
    if (m_errno == 0 && std::fseek(m_file.get(), static_cast<long>(position), SEEK_SET) != 0) m_errno = errno;
}

Status OutputFile::commit() {
    flush();
    if (m_errno != 0) return failure("cannot be written");
    if (!m_direct && !synced(fileno(m_file.get()))) m_errno = errno;
    if (std::fclose(m_file.release()) != 0 && m_errno == 0) m_errno = errno;
    if (m_direct) return m_errno == 0 ? Status() : Status(failure("cannot be written"));
    Status ok;
    if (m_errno != 0) {
        ok = failure("cannot be written");
    } else if (ok = checkNoFolder(m_path); ok && std::rename(m_temporary.c_str(), m_target.c_str()) != 0) {
        m_errno = errno;
        ok = failure("cannot be put in place");
    }
    if (!ok && !m_keep) removeTemporary();
    m_listed.reset();
    if (ok) syncFolderOf(m_target);
    return ok;
}

Status writeFile(const std::string& path, std::string_view bytes) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(bytes);
    return file->commit();
}

}  // namespace spanscope
