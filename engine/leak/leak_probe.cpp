#include "engine/leak/leak_probe.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "engine/decode/masks.h"
#include "engine/decode/prompt.h"
#include "engine/decode/session.h"
#include "engine/leak/secret.h"
#include "engine/policy/policies.h"

namespace spanscope {

namespace {

constexpr int32_t kLeast = 80;  // problems, and rows of a kind, below which nothing can be said

Error notFinite() { return {ErrorCode::Device, "the model's logits hold NaN or infinity"}; }

struct Text {
    std::vector<int32_t> ids;
    int32_t nPrompt = 0;
    SpanPolicy policy;
    int32_t size() const { return static_cast<int32_t>(ids.size()); }
};

Result<Text> textOf(const Model& model, const TaskExample& example) {
    RunSettings settings;
    settings.task = example.task;
    settings.promptText = example.typed;
    auto prompt = preparePrompt(model, settings);
    if (!prompt) return prompt.error();
    auto response = model.tokenizer().encode(example.response, TextTrust::Trusted, true);
    if (!response) return response.error();
    Text text{std::move(prompt->ids), 0, prompt->policy};
    text.nPrompt = text.size();
    text.ids.insert(text.ids.end(), response->begin(), response->end());
    return text;
}

/// A problem in token ids, with all secrets.
struct Encoded {
    int32_t secret = 0;
    std::vector<Text> with;        ///< [secret], all of one length
    std::vector<int32_t> bearing;  ///< positions whose token depends on the secret, ascending
    const Text& text() const { return with[static_cast<size_t>(secret)]; }
};

Result<Encoded> encode(const Model& model, const SecretProblem& problem) {
    Encoded encoded{problem.secret, {}, {}};
    for (const TaskExample& example : problem.with) {
        auto text = textOf(model, example);
        if (!text) return text.error();
        if (!encoded.with.empty() &&
            (text->size() != encoded.with.front().size() || text->nPrompt != encoded.with.front().nPrompt))
            return Error{ErrorCode::Unsupported,
                         "the vocabulary writes secrets with different numbers of tokens, so that positions tell them",
                         model.path(),
                         {},
                         std::to_string(text->size()),
                         std::to_string(encoded.with.front().size())};
        encoded.with.push_back(std::move(*text));
    }
    for (int32_t i = 0; i < encoded.text().size(); ++i) {
        const auto at = static_cast<size_t>(i);
        const auto differs = [&](const Text& t) { return t.ids[at] != encoded.text().ids[at]; };
        if (std::any_of(encoded.with.begin(), encoded.with.end(), differs)) encoded.bearing.push_back(i);
    }
    return encoded;
}

/// A text as the tracker sees it.
struct Tracked {
    std::vector<TokenView> views;
    std::vector<Segment> segments;
    std::vector<std::pair<int32_t, SpanTracker>> after;  ///< [distance]: end of a line of the response, and its tracker
};

Tracked track(const Model& model, const Text& text) {
    SpanTracker tracker = trackerFor(model, text.policy);
    Tracked tracked;
    tracked.views = tracker.consumePrompt({text.ids.data(), static_cast<size_t>(text.nPrompt)});
    for (int32_t i = text.nPrompt; i < text.size(); ++i) {
        tracked.views.push_back(tracker.consume(text.ids[static_cast<size_t>(i)]));
        const Segment& last = tracker.segments().back();
        if (last.kind == SegmentKind::Out && last.end == i + 1) tracked.after.emplace_back(i + 1, tracker);
    }
    tracked.segments = tracker.segments();
    return tracked;
}

using Kind = std::tuple<Phase, int32_t, bool>;  // phase, distance, reads

/// One position for each kind: the last of its phase in its line.
std::map<Kind, int32_t> placesOf(const Encoded& problem, const Tracked& tracked) {
    std::map<std::tuple<Phase, int32_t>, int32_t> last;
    for (const TokenView& view : tracked.views) {
        if (view.segment < 0 || view.position < problem.bearing.front()) continue;
        const Segment& s = tracked.segments[static_cast<size_t>(view.segment)];
        const auto distance = s.kind == SegmentKind::Scaffold ? 0 : static_cast<int32_t>(s.label) - 1;
        if (distance >= 0) last[{view.phase, distance}] = view.position;
    }
    std::map<Kind, int32_t> places;
    for (const auto& [where, position] : last) {
        const IntervalList& list = *tracked.views[static_cast<size_t>(position)].visible;
        const bool reads = std::any_of(problem.bearing.begin(), problem.bearing.end(),
                                       [&, at = position](int32_t key) { return mayRead(list, at, key); });
        places[{std::get<0>(where), std::get<1>(where), reads}] = position;
    }
    return places;
}

/// A sequence of the backend, freed at the end.
class Evaluation {
  public:
    static Result<std::unique_ptr<Evaluation>> create(Backend& backend, const MaskPolicySpec& attention,
                                                      int32_t capacity) {
        auto policy = makeMaskPolicy(attention, backend.info());
        if (!policy) return policy.error();
        auto sequence = backend.createSequence(capacity);
        if (!sequence) return sequence.error();
        return std::unique_ptr<Evaluation>(new Evaluation(backend, std::move(*policy), *sequence));
    }
    ~Evaluation() { m_backend.freeSequence(m_sequence); }
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

    /// All of a text; its logits (places, vocab) at those positions, ascending.
    Result<std::vector<float>> run(const Text& text, const std::vector<TokenView>& views,
                                   const std::vector<int32_t>& places) {
        std::vector<SharedIntervals> lists;
        for (const TokenView& view : views)
            lists.push_back((view.position < text.nPrompt ? m_masks.forPrompt(view) : m_masks.forStep(view)).visible);
        const auto vocab = static_cast<size_t>(m_backend.shape().vocab);
        std::vector<float> picked, logits;
        auto place = places.begin();
        for (int32_t begin = 0; begin < text.size(); begin += kPrefillChunk) {
            const auto n = static_cast<size_t>(std::min(kPrefillChunk, text.size() - begin));
            logits.resize(n * vocab);
            const auto from = static_cast<size_t>(begin);
            const auto runs = runsOf(std::span(lists).subspan(from, n));
            if (auto ok = m_backend.prefill(m_sequence, std::span(text.ids).subspan(from, n), runs, logits); !ok)
                return ok.error();
            for (; place != places.end() && *place < begin + static_cast<int32_t>(n); ++place) {
                const auto row = logits.begin() + static_cast<std::ptrdiff_t>((*place - begin) * vocab);
                picked.insert(picked.end(), row, row + static_cast<std::ptrdiff_t>(vocab));
            }
        }
        if (!std::all_of(picked.begin(), picked.end(), [](float x) { return std::isfinite(x); })) return notFinite();
        return picked;
    }

    /// Logits (vocab) after more tokens of the response behind the first `end` ones.
    Result<std::vector<float>> goOn(int32_t end, SpanTracker tracker, const std::vector<int32_t>& more) {
        m_backend.truncate(m_sequence, end);
        std::vector<SharedIntervals> lists;
        for (const int32_t id : more) lists.push_back(m_masks.forStep(tracker.consume(id)).visible);
        std::vector<float> logits(static_cast<size_t>(m_backend.shape().vocab));
        if (auto ok = m_backend.prefill(m_sequence, more, runsOf(lists), logits); !ok) return ok.error();
        return logits;
    }

  private:
    Evaluation(Backend& backend, std::unique_ptr<MaskPolicy> policy, SequenceId sequence)
        : m_backend(backend), m_masks(std::move(policy), backend.shape().slidingWindow, 0), m_sequence(sequence) {}

    Backend& m_backend;
    RunMasks m_masks;
    SequenceId m_sequence;
};

/// What was seen of one kind of position, a row a problem.
struct Seen {
    FeatureRows declared, dense;
    std::vector<int32_t> secrets;
    double tokensAfter = 0;
    int32_t nSame = 0, nTwins = 0;
};

class Probe {
  public:
    Probe(const Model& model, Backend& backend, const LeakSettings& settings)
        : m_model(model), m_backend(backend), m_settings(settings) {
        // So many logits as the hidden state has values determine it; which ones is of no matter, but the digits,
        // in which the model itself would say the secret, are among them.
        const ModelShape& shape = model.weights().shape;
        const int32_t n = std::min(shape.vocab, shape.hidden);
        for (int32_t i = 0; i < n; ++i)
            m_features.push_back(static_cast<int32_t>(static_cast<int64_t>(i) * shape.vocab / n));
        for (const int32_t digit : model.tokenizer().pieceIds().digits)
            if (digit >= 0) m_features.push_back(digit);
        std::sort(m_features.begin(), m_features.end());
        m_features.erase(std::unique(m_features.begin(), m_features.end()), m_features.end());
        m_report.nFeatures = static_cast<int32_t>(m_features.size());
        m_report.nProblems = settings.nProblems;
    }

    Status add(const SecretProblem& drawn, int32_t index) {
        const auto problem = encode(m_model, drawn);
        if (!problem) return problem.error();
        const Tracked tracked = track(m_model, problem->text());
        const std::map<Kind, int32_t> kinds = placesOf(*problem, tracked);
        std::vector<int32_t> places;
        for (const auto& [kind, position] : kinds) places.push_back(position);
        std::sort(places.begin(), places.end());
        m_report.meanTokens += static_cast<double>(problem->text().size()) / m_settings.nProblems;

        std::vector<float> seen[2];
        for (const bool dense : {false, true}) {
            auto run = Evaluation::create(m_backend, dense ? MaskPolicySpec::dense() : MaskPolicySpec::declared(),
                                          leakTokens(m_settings));
            if (!run) return run.error();
            auto logits = (*run)->run(problem->text(), tracked.views, places);
            if (!logits) return logits.error();
            seen[dense ? 1 : 0] = std::move(*logits);
            if (m_settings.task != "sheet") continue;
            if (auto ok = ask(**run, *problem, drawn.operand, tracked, dense); !ok) return ok;
        }
        std::vector<float> twin;
        if (index < m_settings.nTwins) {
            auto logits = runTwin(*problem, index, tracked.views, places);
            if (!logits) return logits.error();
            twin = std::move(*logits);
        }
        for (const auto& [kind, position] : kinds) {
            const auto at =
                static_cast<size_t>(std::lower_bound(places.begin(), places.end(), position) - places.begin());
            Seen& s = m_seen[kind];
            takeRow(s.declared, rowOf(seen[0], at));
            takeRow(s.dense, rowOf(seen[1], at));
            s.secrets.push_back(problem->secret);
            const auto after = std::upper_bound(problem->bearing.begin(), problem->bearing.end(), position);
            s.tokensAfter += position - *(after - 1);
            if (twin.empty()) continue;
            ++s.nTwins;
            s.nSame += std::ranges::equal(rowOf(twin, at), rowOf(seen[0], at));
        }
        return {};
    }

    LeakReport report() {
        Random random(m_settings.seed);
        for (auto& [kind, s] : m_seen) {
            const auto n = static_cast<int32_t>(s.secrets.size());
            if (n < kLeast) continue;
            std::vector<std::vector<int32_t>> labellings(2, s.secrets);
            std::vector<int32_t>& anew = labellings[1];
            for (size_t i = 0; i < anew.size(); i += kSecrets) {
                const auto dealt = shuffledSecrets(random);
                std::copy_n(dealt.begin(), std::min<size_t>(kSecrets, anew.size() - i),
                            anew.begin() + static_cast<std::ptrdiff_t>(i));
            }
            const auto declared = readOut(s.declared, labellings, kSecrets);
            const auto dense = readOut(s.dense, {labellings.data(), 1}, kSecrets);
            const auto& [phase, distance, reads] = kind;
            m_report.rows.push_back(
                {phase, distance, reads, s.tokensAfter / n, declared[0], dense[0], declared[1], s.nSame, s.nTwins});
        }
        for (const auto& [distance, answer] : m_answers) m_report.answers.push_back(answer);
        return std::move(m_report);
    }

  private:
    std::span<const float> rowOf(const std::vector<float>& logits, size_t row) const {
        const auto vocab = static_cast<size_t>(m_backend.shape().vocab);
        return std::span(logits).subspan(row * vocab, vocab);
    }

    void takeRow(FeatureRows& rows, std::span<const float> logits) const {
        rows.nFeatures = static_cast<int32_t>(m_features.size());
        for (const int32_t id : m_features) rows.features.push_back(logits[static_cast<size_t>(id)]);
    }

    Result<std::vector<float>> runTwin(const Encoded& problem, int32_t index, const std::vector<TokenView>& views,
                                       const std::vector<int32_t>& places) {
        const int32_t other = (problem.secret + 1 + index % (kSecrets - 1)) % kSecrets;
        auto run = Evaluation::create(m_backend, MaskPolicySpec::declared(), leakTokens(m_settings));
        if (!run) return run.error();
        return (*run)->run(problem.with[static_cast<size_t>(other)], views, places);
    }

    /// The model's own continuation, from the last line back to the first, since a sequence is only ever cut.
    Status ask(Evaluation& run, const Encoded& problem, const std::string& operand, const Tracked& tracked,
               bool dense) {
        const auto firstDigit = static_cast<size_t>(
            *std::lower_bound(problem.bearing.begin(), problem.bearing.end(), problem.text().nPrompt));
        for (auto line = tracked.after.size(); line-- > 0;) {
            const auto distance = static_cast<int32_t>(line) + 1;
            if ((distance & (distance - 1)) != 0) continue;  // 1, 2, 4, ...
            const auto& [end, tracker] = tracked.after[line];
            for (const bool named : {true, false}) {
                const std::string opened =
                    "<out>1<:><attend>" + std::string(named ? "<in>1<:>" : "") + "</attend>" + operand;
                auto more = m_model.tokenizer().encode(opened, TextTrust::Trusted, true);
                if (!more) return more.error();
                auto logits = run.goOn(end, tracker, *more);
                if (!logits) return logits.error();
                int32_t best = 0;
                const auto of = [&](int32_t secret) {
                    const auto id = problem.with[static_cast<size_t>(secret)].ids[firstDigit];
                    return (*logits)[static_cast<size_t>(id)];
                };
                for (int32_t secret = 0; secret < kSecrets; ++secret) {
                    if (!std::isfinite(of(secret))) return notFinite();
                    if (of(secret) > of(best)) best = secret;
                }
                LeakAnswer& answer = m_answers[distance];
                answer.distance = distance;
                Hits& hits = dense ? (named ? answer.denseNamed : answer.dense)
                                   : (named ? answer.declaredNamed : answer.declared);
                hits.right += best == problem.secret;
                ++hits.n;
            }
        }
        return {};
    }

    const Model& m_model;
    Backend& m_backend;
    LeakSettings m_settings;
    std::vector<int32_t> m_features;  // ids whose logits are read
    std::map<Kind, Seen> m_seen;
    std::map<int32_t, LeakAnswer> m_answers;
    LeakReport m_report;
};

}  // namespace

int32_t leakTokens(const LeakSettings& settings) { return 128 * (settings.nLater + 3); }

Result<LeakReport> probeLeak(const Model& model, Backend& backend, const LeakSettings& settings,
                             const std::atomic<bool>* stop, const LeakProgress& progress) {
    if (settings.nProblems < kLeast)
        return invalidArgument("too few problems to learn from and to test", std::to_string(settings.nProblems),
                               "at least " + std::to_string(kLeast));
    auto source = SecretSource::create(settings.task, settings.nLater, settings.seed);
    if (!source) return source.error();
    Probe probe(model, backend, settings);
    for (int32_t i = 0; i < settings.nProblems; ++i) {
        if (stop && stop->load(std::memory_order_relaxed)) return Error{ErrorCode::Cancelled, "stopped"};
        auto problem = source->next();
        if (!problem) return problem.error();
        if (auto ok = probe.add(*problem, i); !ok) return ok.error();
        if (progress) progress(i + 1, settings.nProblems);
    }
    return probe.report();
}

}  // namespace spanscope
