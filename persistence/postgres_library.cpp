// libpq's functions under their own names, each passing its arguments on to the library once that
// is loaded: the driver is written as if it were linked. A function that the driver begins to use
// and that is missing here is an error of the linker.
#include "persistence/postgres_library.hpp"

#include <dlfcn.h>
#include <libpq-fe.h>

#include <cstdlib>

namespace pb::persistence {
namespace {

constexpr const char* name = "libpq.so.5";

/// Never unloaded: its dependencies register things that outlive it.
void* library() {
  static void* const loaded = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  return loaded;
}

template <class Function>
Function* found(const char* function) {
  auto* const at = library() == nullptr ? nullptr : ::dlsym(library(), function);
  // only when a call came before load_postgres_library(), or libpq is older than the headers
  if (at == nullptr) std::abort();
  return reinterpret_cast<Function*>(at);
}

}  // namespace

result<void> load_postgres_library() {
  if (library() != nullptr) return {};
  const char* why = ::dlerror();
  return failure{errc::storage, "store.open",
                 std::string{name} + " cannot be loaded" +
                     (why == nullptr ? std::string{} : std::string{": "} + why),
                 "install PostgreSQL's client library (Debian: libpq5), or use SQLite"};
}

}  // namespace pb::persistence

#define PB_FORWARD(result, function, parameters, arguments)                             \
  result function parameters {                                                          \
    static auto* const there = pb::persistence::found<decltype(::function)>(#function); \
    return there arguments;                                                             \
  }

extern "C" {
PB_FORWARD(PQconninfoOption*, PQconninfoParse, (const char* url, char** error), (url, error))
PB_FORWARD(void, PQconninfoFree, (PQconninfoOption * options), (options))
PB_FORWARD(PGconn*, PQconnectdbParams,
           (const char* const* keys, const char* const* values, int expand), (keys, values, expand))
PB_FORWARD(void, PQfinish, (PGconn * c), (c))
PB_FORWARD(ConnStatusType, PQstatus, (const PGconn* c), (c))
PB_FORWARD(PGTransactionStatusType, PQtransactionStatus, (const PGconn* c), (c))
PB_FORWARD(int, PQserverVersion, (const PGconn* c), (c))
PB_FORWARD(char*, PQerrorMessage, (const PGconn* c), (c))
PB_FORWARD(int, PQsocket, (const PGconn* c), (c))
PB_FORWARD(int, PQsetnonblocking, (PGconn * c, int on), (c, on))
PB_FORWARD(PQnoticeProcessor, PQsetNoticeProcessor,
           (PGconn * c, PQnoticeProcessor take, void* with), (c, take, with))
PB_FORWARD(int, PQenterPipelineMode, (PGconn * c), (c))
PB_FORWARD(int, PQexitPipelineMode, (PGconn * c), (c))
PB_FORWARD(PGpipelineStatus, PQpipelineStatus, (const PGconn* c), (c))
PB_FORWARD(int, PQpipelineSync, (PGconn * c), (c))
PB_FORWARD(int, PQsendQuery, (PGconn * c, const char* sql), (c, sql))
PB_FORWARD(int, PQsendQueryParams,
           (PGconn * c, const char* sql, int count, const Oid* types, const char* const* values,
            const int* lengths, const int* formats, int result),
           (c, sql, count, types, values, lengths, formats, result))
PB_FORWARD(int, PQsendPrepare,
           (PGconn * c, const char* statement, const char* sql, int count, const Oid* types),
           (c, statement, sql, count, types))
PB_FORWARD(int, PQsendQueryPrepared,
           (PGconn * c, const char* statement, int count, const char* const* values,
            const int* lengths, const int* formats, int result),
           (c, statement, count, values, lengths, formats, result))
PB_FORWARD(int, PQconsumeInput, (PGconn * c), (c))
PB_FORWARD(int, PQisBusy, (PGconn * c), (c))
PB_FORWARD(int, PQflush, (PGconn * c), (c))
PB_FORWARD(PGresult*, PQgetResult, (PGconn * c), (c))
PB_FORWARD(ExecStatusType, PQresultStatus, (const PGresult* r), (r))
PB_FORWARD(char*, PQresultErrorField, (const PGresult* r, int field), (r, field))
PB_FORWARD(void, PQclear, (PGresult * r), (r))
PB_FORWARD(int, PQntuples, (const PGresult* r), (r))
PB_FORWARD(int, PQnfields, (const PGresult* r), (r))
PB_FORWARD(Oid, PQftype, (const PGresult* r, int column), (r, column))
PB_FORWARD(char*, PQgetvalue, (const PGresult* r, int row, int column), (r, row, column))
PB_FORWARD(int, PQgetlength, (const PGresult* r, int row, int column), (r, row, column))
PB_FORWARD(int, PQgetisnull, (const PGresult* r, int row, int column), (r, row, column))
}
