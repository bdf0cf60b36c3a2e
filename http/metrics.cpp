#include "http/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

#include "http/process_figures.hpp"

namespace pb::http {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using buckets = Histogram::BucketBoundaries;

constexpr std::size_t label_bytes = 48;
constexpr std::size_t children_of_a_family = 256;

/// Labels come from closed sets; what is no short word is not one of ours.
std::string closed(std::string_view value) {
  const bool word = !value.empty() && value.size() <= label_bytes &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == ' ';
                    });
  return word ? std::string{value} : "other";
}

/// "absorbed: echo-by-value" → "absorbed"
std::string_view before_colon(std::string_view text) { return text.substr(0, text.find(':')); }

double seconds(std::chrono::microseconds t) { return static_cast<double>(t.count()) / 1e6; }

const buckets latency{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                      0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
const buckets waiting{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600};
/// A message between threads takes tens of microseconds.
const buckets hand_over{0.00002, 0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002,
                        0.005,   0.01,    0.02,   0.05,   0.1,    0.25,   1,     10};
const buckets sizes{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

using label_names = std::vector<const char*>;
using label_values = std::vector<std::string_view>;

/// A family and its children by their label values.
template <class Metric>
class family_of {
public:
  template <class Builder, class... Extra>
  family_of(prometheus::Registry& in, Builder builder, const char* name, const char* help,
            label_names names, Extra... extra)
      : family_(builder.Name(name).Help(help).Register(in)), names_(std::move(names)) {
    make_ = [this, extra...](const prometheus::Labels& l) { return &family_.Add(l, extra...); };
    if (names_.empty()) (*this)({});
  }
  Metric& operator()(const label_values& values) {
    std::string key;
    for (const auto v : values) key.append(closed(v)).push_back('\n');
    const std::lock_guard hold{guard_};
    auto at = children_.find(key);
    if (at == children_.end()) at = children_.emplace(key, child(values, key)).first;
    return *at->second;
  }

private:
  Metric* child(const label_values& values, std::string& key) {
    const bool full = children_.size() >= children_of_a_family;
    if (full) key = "other";
    if (const auto at = children_.find(key); at != children_.end()) return at->second;
    prometheus::Labels labels;
    for (std::size_t i = 0; i < names_.size(); ++i)
      labels[names_[i]] = full || i >= values.size() ? "other" : closed(values[i]);
    return make_(labels);
  }

  prometheus::Family<Metric>& family_;
  label_names names_;
  std::function<Metric*(const prometheus::Labels&)> make_;
  std::mutex guard_;
  std::map<std::string, Metric*> children_;  // under guard_
};

}  // namespace

struct metrics::impl {
  prometheus::Registry all;

  family_of<Counter> counter(const char* name, const char* help, label_names labels) {
    return {all, prometheus::BuildCounter(), name, help, std::move(labels)};
  }
  family_of<Gauge> gauge(const char* name, const char* help, label_names labels) {
    return {all, prometheus::BuildGauge(), name, help, std::move(labels)};
  }
  family_of<Histogram> histogram(const char* name, const char* help, label_names labels,
                                 const buckets& edges) {
    return {all, prometheus::BuildHistogram(), name, help, std::move(labels), edges};
  }

  family_of<Counter> accepts = counter("planebridge_deliveries_accepted_total",
                                       "Deliveries that were new and are durable.", {"source"});
  family_of<Counter> duplicates =
      counter("planebridge_deliveries_duplicate_total", "Deliveries that came again.", {"source"});
  family_of<Counter> rejects =
      counter("planebridge_deliveries_rejected_total",
              "Deliveries that were not journaled, by reason.", {"source", "reason"});
  family_of<Counter> finished = counter("planebridge_deliveries_finished_total",
                                        "Deliveries by how they ended.", {"outcome"});
  family_of<Histogram> batch_units =
      histogram("planebridge_journal_batch_units", "Units of work in one transaction.", {}, sizes);
  family_of<Histogram> batch_deliveries = histogram("planebridge_journal_batch_deliveries",
                                                    "Deliveries in one transaction.", {}, sizes);
  family_of<Histogram> commit =
      histogram("planebridge_journal_commit_seconds", "Time of one transaction.", {}, latency);
  family_of<Histogram> to_plan =
      histogram("planebridge_accept_to_plan_seconds", "From receiving a delivery to planning it.",
                {}, waiting);
  family_of<Histogram> commit_to_plan =
      histogram("planebridge_commit_to_plan_seconds",
                "From the commit of a delivery to planning it, unless it waited in the journal.",
                {}, hand_over);
  family_of<Histogram> to_effect = histogram(
      "planebridge_accept_to_effect_seconds",
      "From receiving a delivery to the end of an effect it caused.", {"integration"}, waiting);
  family_of<Counter> effects = counter("planebridge_effects_finished_total",
                                       "Effects by how they ended.", {"integration", "outcome"});
  family_of<Counter> calls =
      counter("planebridge_remote_calls_total", "Calls to remote systems by what came back.",
              {"integration", "operation", "status", "code"});
  family_of<Histogram> call_seconds =
      histogram("planebridge_remote_call_seconds", "Time of a call to a remote system.",
                {"integration", "operation"}, latency);
  family_of<Counter> restarts = counter("planebridge_actor_restarts_total",
                                        "Actors restarted by their supervisors.", {"kind"});
  family_of<Counter> dead = counter("planebridge_dead_letters_total",
                                    "Deliveries and effects that became dead letters.", {"kind"});

  family_of<Gauge> breaker =
      gauge("planebridge_breaker_state", "1 for the state that the circuit breaker is in.",
            {"integration", "state"});
  family_of<Gauge> entities = gauge("planebridge_entities_live", "Entity actors alive now.", {});
  family_of<Gauge> events =
      gauge("planebridge_events_in_memory", "Deliveries held in memory now.", {});
  family_of<Gauge> lane_count =
      gauge("planebridge_lanes", "Lanes by state.", {"integration", "state"});
  family_of<Gauge> mailboxes =
      gauge("planebridge_mailbox_messages", "Messages waiting for actors of a kind.", {"kind"});
  family_of<Gauge> actor_count = gauge("planebridge_actors", "Actors alive by kind.", {"kind"});
  family_of<Gauge> queues =
      gauge("planebridge_queue_rows", "Rows by what they wait for.", {"queue"});
  family_of<Gauge> queue_ages =
      gauge("planebridge_queue_age_seconds", "Age of the oldest row that waits.", {"queue"});
  family_of<Gauge> store = gauge("planebridge_store_up", "1 while the store takes work.", {});
  family_of<Gauge> spool_on =
      gauge("planebridge_spool_engaged", "1 while deliveries pass through the spool.", {});
  family_of<Gauge> spool_rows =
      gauge("planebridge_spool_records", "Deliveries in the spool now.", {});
  family_of<Gauge> spool_size = gauge("planebridge_spool_bytes", "Bytes in the spool now.", {});
  family_of<Gauge> spool_age =
      gauge("planebridge_spool_age_seconds", "Age of the oldest delivery in the spool.", {});
  family_of<Gauge> touched =
      gauge("planebridge_touched_entities", "Entities to be read because the spool was full.", {});
  family_of<Counter> spooled =
      counter("planebridge_spool_deliveries_total",
              "Deliveries that met a store that was away, by outcome.", {"outcome"});
  family_of<Gauge> link_open = gauge("planebridge_long_connection_open",
                                     "1 while the connection for events is open.", {"integration"});
  family_of<Gauge> link_quiet =
      gauge("planebridge_long_connection_quiet_seconds",
            "Since the last frame of the connection for events.", {"integration"});
  family_of<Counter> link_events =
      counter("planebridge_long_connection_events_total",
              "What happened on the connection for events.", {"integration", "what"});
  family_of<Gauge> budget = gauge("planebridge_rate_limit_remaining_requests",
                                  "Requests left in the present window.", {"integration"});
  family_of<Gauge> budget_size = gauge("planebridge_rate_limit_window_requests",
                                       "Requests that a window allows.", {"integration"});
  family_of<Gauge> budget_pause = gauge("planebridge_rate_limit_pause_seconds",
                                        "Pause before the next request.", {"integration"});
  family_of<Counter> pushes =
      counter("planebridge_pushes_total", "What senders pushed, by what became of it.",
              {"source", "outcome"});
  family_of<Counter> callbacks =
      counter("planebridge_lark_callbacks_answered_total",
              "Callbacks of cards and links that were answered.", {"kind"});
  family_of<Gauge> month =
      gauge("planebridge_month_calls", "Calls of this month.", {"integration"});
  family_of<Gauge> month_size =
      gauge("planebridge_month_limit_calls", "Calls that a month may have; 0: no limit is known.",
            {"integration"});
  family_of<Counter> waits =
      counter("planebridge_pace_waits_total", "Calls that had to wait, by what for.",
              {"integration", "reason"});
  family_of<Gauge> slow = gauge("planebridge_lark_slow_chats",
                                "Chats and cards to which Feishu wants fewer calls.", {});
  family_of<Gauge> webhook =
      gauge("planebridge_webhook_state", "1 for what is known of Plane's webhook.", {"state"});
  family_of<Counter> unannounced =
      counter("planebridge_changes_unannounced_total",
              "Changes in Plane that a poll found and no webhook had told.", {});
  family_of<Gauge> lost = gauge("planebridge_projects_lost_projects",
                                "Mirrored projects that the key does not see any more.", {});
  family_of<Gauge> clock = gauge("planebridge_plane_clock_ahead_seconds",
                                 "Plane's clock less ours, as far as it shows.", {});
  family_of<Gauge> connections =
      gauge("planebridge_http_connections", "Open inbound connections.", {});
  family_of<Gauge> in_flight =
      gauge("planebridge_http_requests_in_flight", "Inbound requests being answered.", {});
  family_of<Counter> requests = counter("planebridge_http_requests_total", "Inbound requests.", {});
  family_of<Counter> refused = counter("planebridge_http_requests_rejected_total",
                                       "Inbound requests that the listener refused by itself.", {});
  family_of<Counter> answers =
      counter("planebridge_http_answers_total",
              "Inbound requests by the status they were answered with.", {"status"});

  family_of<Counter> cpu =
      counter("planebridge_process_cpu_seconds_total", "Processor time of the process.", {});
  family_of<Gauge> resident =
      gauge("planebridge_process_resident_bytes", "Memory that is resident.", {});
  family_of<Gauge> virtual_size =
      gauge("planebridge_process_virtual_bytes", "Address space in use.", {});
  family_of<Gauge> descriptors =
      gauge("planebridge_process_open_descriptors", "File descriptors in use.", {});
  family_of<Gauge> max_descriptors =
      gauge("planebridge_process_max_descriptors", "File descriptors allowed.", {});
  family_of<Gauge> threads = gauge("planebridge_process_threads", "Threads of the process.", {});

  std::mutex fill_guard;
  std::vector<std::function<void(metrics&)>> fillers;  // under fill_guard
  std::mutex totals_guard;  // totals told as absolute numbers become increments one at a time

  void raise(Counter& to, double total) {
    const std::lock_guard hold{totals_guard};
    if (const auto more = total - to.Value(); more > 0) to.Increment(more);
  }
  /// What is counted from the first event on is shown as 0 before it, so that a rate over it and
  /// an alert on it work from the start. Children whose labels only an event knows come with it.
  void show_zeros() {
    accepts({"plane"});
    duplicates({"plane"});
    for (const auto* reason : {"unsigned", "bad_signature", "key_missing", "busy", "storage"})
      rejects({"plane", reason});
    finished({"done"});
    finished({"dead"});
    batch_units({});
    batch_deliveries({});
    commit({});
    to_plan({});
    commit_to_plan({});
    to_effect({"caldav"});
    for (const auto* outcome : {"done", "retry", "dead"}) effects({"caldav", outcome});
    for (const auto* kind : {"issue", "thread", "connector"}) restarts({kind});
    for (const auto* kind : {"delivery", "effect"}) dead({kind});
    entities({});
    events({});
  }
  void look_at_process() {
    const auto now = read_process_figures();
    raise(cpu({}), now.cpu_seconds);
    resident({}).Set(static_cast<double>(now.resident_bytes));
    virtual_size({}).Set(static_cast<double>(now.virtual_bytes));
    descriptors({}).Set(static_cast<double>(now.open_descriptors));
    max_descriptors({}).Set(static_cast<double>(now.max_descriptors));
    threads({}).Set(static_cast<double>(now.threads));
  }
};

metrics::metrics() : impl_(std::make_unique<impl>()) { impl_->show_zeros(); }
metrics::~metrics() = default;

void metrics::delivery_journaled(std::string_view source, bool duplicate) {
  (duplicate ? impl_->duplicates : impl_->accepts)({source}).Increment();
}
void metrics::delivery_rejected(std::string_view source, std::string_view reason) {
  impl_->rejects({source, reason}).Increment();
}
void metrics::delivery_finished(std::string_view how) {
  impl_->finished({before_colon(how)}).Increment();
}
void metrics::batch_committed(std::size_t units, std::size_t appends,
                              std::chrono::microseconds took) {
  impl_->batch_units({}).Observe(static_cast<double>(units));
  if (appends > 0) impl_->batch_deliveries({}).Observe(static_cast<double>(appends));
  impl_->commit({}).Observe(seconds(took));
}
void metrics::planning_started(std::chrono::microseconds since_received,
                               std::optional<std::chrono::microseconds> since_commit) {
  impl_->to_plan({}).Observe(seconds(since_received));
  if (since_commit) impl_->commit_to_plan({}).Observe(seconds(*since_commit));
}
void metrics::effect_finished(std::string_view integration, std::string_view how,
                              std::chrono::microseconds since_received) {
  impl_->effects({integration, before_colon(how)}).Increment();
  // an attempt that failed is no end: its time would only make the rest look faster
  if (how == "done") impl_->to_effect({integration}).Observe(seconds(since_received));
}
void metrics::remote_call(std::string_view integration, std::string_view operation, int status,
                          errc code, std::chrono::microseconds took) {
  // a status outside of HTTP's range is a remote's invention, not a label
  const auto shown = status >= 100 && status <= 599 ? std::to_string(status) : std::string{"none"};
  impl_->calls({integration, operation, shown, to_string(code)}).Increment();
  impl_->call_seconds({integration, operation}).Observe(seconds(took));
}
void metrics::actor_restarted(std::string_view kind) { impl_->restarts({kind}).Increment(); }
void metrics::dead_letter(std::string_view kind) { impl_->dead({kind}).Increment(); }

void metrics::breaker_state(std::string_view integration, std::string_view state) {
  for (const std::string_view each : {"closed", "half-open", "open"})
    impl_->breaker({integration, each}).Set(each == state ? 1 : 0);
}
void metrics::live_entities(std::size_t n) { impl_->entities({}).Set(static_cast<double>(n)); }
void metrics::events_in_memory(std::size_t n) { impl_->events({}).Set(static_cast<double>(n)); }
void metrics::lanes(std::string_view integration, std::string_view state, std::int64_t n) {
  impl_->lane_count({integration, state}).Set(static_cast<double>(n));
}
void metrics::mailbox_depth(std::string_view kind, std::int64_t n) {
  impl_->mailboxes({kind}).Set(static_cast<double>(n));
}
void metrics::actors(std::string_view kind, std::int64_t n) {
  impl_->actor_count({kind}).Set(static_cast<double>(n));
}
void metrics::queue(std::string_view name, std::int64_t n) {
  impl_->queues({name}).Set(static_cast<double>(n));
}
void metrics::queue_age(std::string_view name, std::chrono::microseconds oldest) {
  impl_->queue_ages({name}).Set(seconds(oldest));
}
void metrics::store_up(bool up) { impl_->store({}).Set(up ? 1 : 0); }
void metrics::spool(bool engaged, std::uint64_t records, std::uint64_t bytes,
                    std::chrono::microseconds oldest, std::size_t touched) {
  impl_->spool_on({}).Set(engaged ? 1 : 0);
  impl_->spool_rows({}).Set(static_cast<double>(records));
  impl_->spool_size({}).Set(static_cast<double>(bytes));
  impl_->spool_age({}).Set(seconds(oldest));
  impl_->touched({}).Set(static_cast<double>(touched));
}
void metrics::spool_total(std::string_view outcome, std::uint64_t total) {
  impl_->raise(impl_->spooled({outcome}), static_cast<double>(total));
}
void metrics::long_connection(std::string_view integration, bool open,
                              std::chrono::microseconds quiet) {
  impl_->link_open({integration}).Set(open ? 1 : 0);
  impl_->link_quiet({integration}).Set(seconds(quiet));
}
void metrics::long_connection_total(std::string_view integration, std::string_view what,
                                    std::uint64_t total) {
  impl_->raise(impl_->link_events({integration, what}), static_cast<double>(total));
}
void metrics::rate_limit(std::string_view integration, std::int64_t remaining, std::int64_t limit,
                         std::chrono::milliseconds paused) {
  impl_->budget({integration}).Set(static_cast<double>(remaining));
  impl_->budget_size({integration}).Set(static_cast<double>(limit));
  impl_->budget_pause({integration}).Set(seconds(paused));
}
void metrics::push(std::string_view source, std::string_view outcome) {
  impl_->pushes({source, outcome}).Increment();
}
void metrics::callback_answered(std::string_view kind) { impl_->callbacks({kind}).Increment(); }
void metrics::month_calls(std::string_view integration, std::int64_t used, std::int64_t allowed) {
  impl_->month({integration}).Set(static_cast<double>(used));
  impl_->month_size({integration}).Set(static_cast<double>(allowed));
}
void metrics::pace_waits(std::string_view integration, std::string_view reason,
                         std::uint64_t total) {
  impl_->raise(impl_->waits({integration, reason}), static_cast<double>(total));
}
void metrics::slow_chats(std::int64_t n) { impl_->slow({}).Set(static_cast<double>(n)); }
void metrics::webhook_state(std::string_view state) {
  for (const std::string_view each :
       {"well", "doubtful", "silent", "never_arrived", "wrong_secret", "work_items_off"})
    impl_->webhook({each}).Set(each == state ? 1 : 0);
}
void metrics::gaps(std::uint64_t unannounced, std::size_t projects_lost,
                   double clock_ahead_seconds) {
  impl_->raise(impl_->unannounced({}), static_cast<double>(unannounced));
  impl_->lost({}).Set(static_cast<double>(projects_lost));
  impl_->clock({}).Set(clock_ahead_seconds);
}
void metrics::http_server(std::uint64_t connections, std::uint64_t in_flight,
                          std::uint64_t requests, std::uint64_t rejected) {
  impl_->connections({}).Set(static_cast<double>(connections));
  impl_->in_flight({}).Set(static_cast<double>(in_flight));
  impl_->raise(impl_->requests({}), static_cast<double>(requests));
  impl_->raise(impl_->refused({}), static_cast<double>(rejected));
}

void metrics::http_answers(int status, std::uint64_t total) {
  const auto shown = status >= 100 && status <= 599 ? std::to_string(status) : std::string{"none"};
  impl_->raise(impl_->answers({shown}), static_cast<double>(total));
}

void metrics::before_render(std::function<void(metrics&)> fill) {
  const std::lock_guard hold{impl_->fill_guard};
  impl_->fillers.push_back(std::move(fill));
}

std::string metrics::render() {
  std::vector<std::function<void(metrics&)>> fillers;
  {
    const std::lock_guard hold{impl_->fill_guard};
    fillers = impl_->fillers;
  }
  for (const auto& fill : fillers) fill(*this);
  impl_->look_at_process();
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, impl_->all.Collect());
  return std::move(out).str();
}

}  // namespace pb::http
