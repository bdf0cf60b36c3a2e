#include "app/inspection.hpp"

#include <boost/json.hpp>

namespace pb::app {
namespace json = boost::json;

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
  return json::serialize(whole);
}

}  // namespace pb::app
