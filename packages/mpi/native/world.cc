#include "world.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace easel {

size_t Operation::bytes() const {
  size_t sum = 0;
  for (const Piece& piece : pieces) sum += piece.bytes;
  return sum;
}

World::World(std::function<void(Start)> started, std::function<void(Operation*)> ended)
    : started_(std::move(started)), ended_(std::move(ended)) {
  thread_ = std::thread([this] { run(); });
  // The process may end while the thread waits for other ranks, and must not wait for it.
  thread_.detach();
}

void World::submit(Operation* operation) {
  {
    std::lock_guard<std::mutex> guard(lock_);
    queue_.push_back(operation);
  }
  changed_.notify_one();
}

void World::recover() {
  std::lock_guard<std::mutex> guard(lock_);
  abandonment_ = Outcome{};
}

void World::wake() {
  std::lock_guard<std::mutex> guard(lock_);  // so that the thread is not between its look and its wait
  changed_.notify_one();
}

bool World::start() {
  Start result;
  int provided = MPI_THREAD_SINGLE;
  int was_started = 0;
  MPI_Initialized(&was_started);
  if (was_started) {
    result.error = "MPI has been started in this process before; it starts once in a process";
  } else if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
    result.error = "MPI_Init_thread failed";
  } else if (provided < MPI_THREAD_FUNNELED) {
    result.error = "this MPI library was built without support of threads (MPI_THREAD_FUNNELED)";
  }
  if (result.error.empty()) {
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    transfers_ = new Transfers(comm);
    char name[MPI_MAX_PROCESSOR_NAME];
    int length = 0;
    MPI_Get_processor_name(name, &length);
    result.rank = transfers_->rank();
    result.size = transfers_->size();
    result.host.assign(name, static_cast<size_t>(length));
  }
  const bool good = result.error.empty();
  started_(std::move(result));
  return good;
}

void World::run() {
  if (!start()) return;
  for (;;) {
    Operation* operation = nullptr;
    {
      std::unique_lock<std::mutex> guard(lock_);
      while (queue_.empty()) {
        changed_.wait(guard);
        abort_if_asked();
      }
      operation = queue_.front();
      queue_.pop_front();
      operation->outcome = abandonment_;
    }
    if (operation->outcome.end == Outcome::End::done) carry_out(*operation);
    const bool closed = operation->kind == Kind::close && operation->outcome.end == Outcome::End::done;
    ended_(operation);
    if (closed) return;
  }
}

void World::fail(Operation& operation, int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  operation.outcome.end = Outcome::End::failed;
  operation.outcome.message.assign(text, static_cast<size_t>(length));
}

void World::arrive(Operation& operation) {
  // FNV-1a over what must be the same on all ranks. Byte counts of gather differ by rank.
  uint64_t hash = 14695981039346656037ull;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211ull; };
  add(count_++);
  add(static_cast<uint64_t>(operation.kind));
  add(static_cast<uint64_t>(operation.element));
  add(operation.ordered);
  add(static_cast<uint64_t>(operation.root));
  if (operation.kind == Kind::all_reduce || operation.kind == Kind::broadcast) add(operation.bytes());
  const bool abandons = operation.kind == Kind::abandon;
  const int64_t sign = static_cast<int64_t>(hash >> 2);
  // The largest sign and the largest −sign are one number's where all ranks do the same. The lowest
  // rank that abandons has the largest third number.
  int64_t mine[3] = {abandons ? INT64_MIN : sign, abandons ? INT64_MIN : -sign, abandons ? transfers_->size() - transfers_->rank() : 0};
  int64_t most[3];
  std::vector<MPI_Request> requests(1);
  int error = MPI_Iallreduce(mine, most, 3, MPI_INT64_T, MPI_MAX, transfers_->comm(), requests.data());
  if (error == MPI_SUCCESS) error = complete(requests, 0);
  if (error != MPI_SUCCESS) return fail(operation, error);
  if (most[2] > 0) return agree_on_abandonment(operation, transfers_->size() - static_cast<int>(most[2]));
  if (most[0] == -most[1]) return;
  operation.outcome.end = Outcome::End::failed;
  operation.outcome.message = "the ranks called different operations, or operations on different numbers of bytes";
}

void World::agree_on_abandonment(Operation& operation, int rank) {
  uint64_t length = operation.message.size();
  int error = transfers_->broadcast(&length, sizeof length, rank);
  std::string message = operation.message;
  message.resize(length);
  if (error == MPI_SUCCESS) error = transfers_->broadcast(&message[0], length, rank);
  if (error != MPI_SUCCESS) return fail(operation, error);
  // From here on the ranks count alike again.
  count_ = 0;
  operation.outcome = {Outcome::End::abandoned, rank, message};
  std::lock_guard<std::mutex> guard(lock_);
  abandonment_ = operation.outcome;
}

void World::carry_out(Operation& operation) {
  arrive(operation);
  if (operation.outcome.end != Outcome::End::done) return;
  const int error = transfer(operation);
  if (error != MPI_SUCCESS) fail(operation, error);
}

int World::transfer(Operation& operation) {
  Transfers& transfers = *transfers_;
  if (operation.kind == Kind::close) return MPI_Finalize();
  if (operation.kind != Kind::all_reduce && operation.kind != Kind::broadcast && operation.kind != Kind::gather) return MPI_SUCCESS;
  void* data = operation.pieces.empty() ? nullptr : operation.pieces[0].data;
  const size_t bytes = operation.bytes();
  const bool packs = operation.pieces.size() > 1;
  if (packs) {
    packed_.resize(std::max(packed_.size(), bytes));
    char* at = packed_.data();
    for (const Operation::Piece& piece : operation.pieces) {
      std::memcpy(at, piece.data, piece.bytes);
      at += piece.bytes;
    }
    data = packed_.data();
  }
  int error = MPI_SUCCESS;
  if (operation.kind == Kind::broadcast)
    error = transfers.broadcast(data, bytes, operation.root);
  else if (operation.kind == Kind::gather)
    error = transfers.gather(data, bytes, operation.root, operation.received);
  else if (operation.ordered || operation.element == Element::bfloat16)
    error = transfers.all_reduce_ordered(data, bytes / (operation.element == Element::float32 ? 4 : 2), operation.element);
  else
    error = transfers.all_reduce_any(static_cast<float*>(data), bytes / 4);
  if (packs && error == MPI_SUCCESS) {
    const char* at = packed_.data();
    for (const Operation::Piece& piece : operation.pieces) {
      std::memcpy(piece.data, at, piece.bytes);
      at += piece.bytes;
    }
  }
  return error;
}

std::string library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  return std::string(text, static_cast<size_t>(length));
}

}  // namespace easel
