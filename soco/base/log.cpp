// SPDX-License-Identifier: MIT
#include "soco/base/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::array<const char*, 4> kLevelNames{"debug", "info", "warning", "error"};

// One write call where the system allows, so that lines of several processes in one file do not mix.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string timestamp() {
  struct timeval now {};
  ::gettimeofday(&now, nullptr);
  struct tm parts {};
  ::gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_usec / 1000);
}

int open_log(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666); }

std::uint64_t size_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// Columns of the terminal; 80 when it does not say.
std::size_t terminal_width(int descriptor) {
  struct winsize size {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

// At most `width` columns, one a character: a status line that wraps could not be erased.
std::string cut_to_width(std::string_view line, std::size_t width) {
  std::size_t columns = 0;
  std::size_t end = 0;
  while (end < line.size()) {
    const bool continues = (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80;
    if (!continues && columns++ == width) break;
    ++end;
  }
  return std::string(line.substr(0, end));
}

}  // namespace

Logger::~Logger() = default;
void Logger::show_status(std::string_view) {}

void NullLogger::write(LogLevel, std::string_view) {}

std::string printable(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  for (char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text;
}

// Invariant: `status` is what stands in the terminal's last line; guarded, like the writing itself, by `mutex`.
struct ConsoleLogger::State {
  struct Sink {
    int descriptor;
    std::string path;
    LogRotation rotation;
    std::uint64_t num_bytes;  // in the file
    bool failed = false;
  };

  LogLevel minimum;
  int descriptor;
  bool terminal;
  std::mutex mutex;
  std::string status;
  std::vector<Sink> sinks;

  void write_console(LogLevel level, const std::string& message) {
    if (level < minimum) return;
    std::string text = terminal && !status.empty() ? "\r\x1b[K" : "";
    if (level != LogLevel::kInfo) text += fmt::format("{}: ", kLevelNames[static_cast<std::size_t>(level)]);
    text += message + "\n" + status;
    write_all(descriptor, text);  // nobody could be told of a failure
  }

  // What cannot be renamed or opened anew goes on as it is: a log must not stop the work.
  static void rotate(Sink& sink) {
    const auto full = [&](int i) { return i == 0 ? sink.path : fmt::format("{}.{}", sink.path, i); };
    for (int i = sink.rotation.keep; i > 0; --i) ::rename(full(i - 1).c_str(), full(i).c_str());
    if (sink.rotation.keep == 0) ::unlink(sink.path.c_str());
    const int fresh = open_log(sink.path);
    if (fresh >= 0) ::close(std::exchange(sink.descriptor, fresh));
    sink.num_bytes = size_of(sink.descriptor);
  }

  void write_sink(Sink& sink, LogLevel level, const std::string& message) {
    if (sink.failed) return;
    const char* name = kLevelNames[static_cast<std::size_t>(level)];
    const std::string line = fmt::format("{} {} {}\n", timestamp(), name, message);
    if (sink.num_bytes > 0 && sink.num_bytes + line.size() > sink.rotation.max_bytes) rotate(sink);
    sink.num_bytes += line.size();
    if (write_all(sink.descriptor, line)) return;
    const int error_number = errno;
    sink.failed = true;
    write_console(LogLevel::kWarning,
                  fmt::format("cannot write the log file {}: {}; it ends here", sink.path, errno_text(error_number)));
  }
};

ConsoleLogger::ConsoleLogger(LogLevel minimum, int descriptor, ConsoleMode mode) : state_(std::make_unique<State>()) {
  state_->minimum = minimum;
  state_->descriptor = descriptor;
  state_->terminal = mode == ConsoleMode::kAutomatic ? ::isatty(descriptor) == 1 : mode == ConsoleMode::kTerminal;
}

ConsoleLogger::~ConsoleLogger() {
  show_status("");
  for (const auto& sink : state_->sinks) ::close(sink.descriptor);
}

void ConsoleLogger::add_file(const std::filesystem::path& path, const LogRotation& rotation) {
  const int descriptor = open_log(path.string());
  if (descriptor < 0) fail("cannot open the log file {}: {}", path.string(), errno_text(errno));
  std::lock_guard lock(state_->mutex);
  state_->sinks.push_back({descriptor, path.string(), rotation, size_of(descriptor)});
}

void ConsoleLogger::write(LogLevel level, std::string_view message) {
  const std::string text = printable(message);
  std::lock_guard lock(state_->mutex);
  state_->write_console(level, text);
  for (auto& sink : state_->sinks) state_->write_sink(sink, level, text);
}

bool ConsoleLogger::interactive() const { return state_->terminal; }

void ConsoleLogger::show_status(std::string_view line) {
  std::lock_guard lock(state_->mutex);
  if (!state_->terminal || (line.empty() && state_->status.empty())) return;
  // A line end or a tab would break the line that is to be erased, so they too are written out.
  std::string flat = printable(line);
  for (char& c : flat) c = c == '\n' || c == '\t' ? ' ' : c;
  state_->status = cut_to_width(flat, terminal_width(state_->descriptor) - 1);
  write_all(state_->descriptor, "\r\x1b[K" + state_->status);
}

}  // namespace soco
