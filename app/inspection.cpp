#include "app/inspection.hpp"

#include <boost/json.hpp>

namespace pb::app {
namespace json = boost::json;

namespace {

json::object to_json(const persistence::shelter_figures& f, timestamp now) {
  json::object o{
      {"engaged", f.engaged},
      {"records", f.records},
      {"bytes", f.bytes},
      {"bytes_limit", f.max_bytes},
      {"oldest_age_s", f.oldest ? static_cast<double>((now - *f.oldest).count()) / 1e6 : 0.0},
      {"touched", f.touched},
      {"touched_limit", f.touched_max},
      {"spooled", f.spooled_total},
      {"drained", f.drained_total},
      {"touched_total", f.touched_total},
      {"refused", f.refused_total},
      {"damaged", f.damaged_total}};
  if (!f.problem.empty()) o["problem"] = f.problem;
  return o;
}

}  // namespace

std::string inspection::health(bool detailed) const {
  auto told = actors_.health(detailed);
  const auto f = spool_.figures();
  if (!detailed && !f.engaged) return told;
  boost::system::error_code problem;
  auto whole = json::parse(told, problem);
  auto* data = problem ? nullptr : whole.find_pointer("/data", problem);
  if (data == nullptr || !data->is_object()) return told;
  auto& o = data->get_object();
  // The database may be there again, and what came meanwhile is not in the journal yet.
  if (f.engaged && o["status"] == "ok") o["status"] = "degraded";
  if (auto* store = whole.find_pointer("/data/dependencies/store", problem);
      store != nullptr && store->is_object())
    store->get_object()["spool"] = to_json(f, clock_.now());
  return json::serialize(whole);
}

std::string inspection::scheduler() const {
  auto told = actors_.scheduler();
  boost::system::error_code problem;
  auto whole = json::parse(told, problem);
  auto* data = problem ? nullptr : whole.find_pointer("/data", problem);
  if (data == nullptr || !data->is_object()) return told;
  auto& o = data->get_object();
  o["http_threads"] = figures_.http_threads;
  o["http_client_threads"] = figures_.http_client_threads;
  o["store_batch_max"] = figures_.store_batch_max;
  o["store_queue_max"] = figures_.store_queue_max;
  o["spool"] = to_json(spool_.figures(), clock_.now());
  return json::serialize(whole);
}

}  // namespace pb::app
