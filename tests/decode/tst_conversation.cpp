// A conversation on random models: what is kept between answers and what is evaluated, against runs that keep nothing.
#include <QtTest>
#include <algorithm>

#include "engine/decode/conversation.h"
#include "engine/decode/prompt.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

const char* kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const char* kMistral =
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
    "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";

std::shared_ptr<const Model> chatModel(const std::string& folder, const std::string& chatTemplate, bool card = false) {
    TinyModelOptions options;
    options.card = card;
    if (!writeTinyModel(folder, options)) return nullptr;
    if (!chatTemplate.empty() && !writeFile(folder + "/chat_template.jinja", chatTemplate)) return nullptr;
    auto model = openModel(folder);
    if (!model) qFatal("%s", model.error().toString().c_str());
    return *model;
}

std::unique_ptr<RecordingBackend> reference(const Model& model, int64_t kvTokens = 8192) {
    BackendOptions o;
    o.nThreads = 1;
    o.kvTokens = kvTokens;
    auto backend = makeReferenceBackend(model.weights(), o, true);
    return backend ? std::make_unique<RecordingBackend>(std::move(*backend)) : nullptr;
}

RunSettings settings(const char* attention = "dense", int32_t n = 6) {
    RunSettings s;
    s.attention = MaskPolicySpec::parse(attention).value();
    s.maxTokens = n;
    s.contextTokens = 1024;
    return s;
}

void runToEnd(Session& session) {
    if (auto ok = session.prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        auto more = session.step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return;
    }
}

/// The whole answer to a question; the turn's index.
int32_t answered(Conversation& c, Result<Session*> session) {
    if (!session) qFatal("%s", session.error().toString().c_str());
    runToEnd(**session);
    auto turn = c.endAnswer();
    if (!turn) qFatal("%s", turn.error().toString().c_str());
    return *turn;
}

std::vector<int32_t> promptIds(const RunData& run) {
    std::vector<int32_t> list;
    for (const TokenInfo& token : run.header.prompt) list.push_back(token.id);
    return list;
}
std::vector<int32_t> answerIds(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& step : run.steps) list.push_back(step.token.id);
    return list;
}

/// What the model answers to these ids in a run of its own, which keeps nothing.
std::vector<int32_t> alone(std::shared_ptr<const Model> model, const RunData& run) {
    auto backend = reference(*model);
    RunSettings s = run.header.settings;
    s.task = "text";
    s.promptIds = promptIds(run);
    auto session = Session::create(std::move(model), *backend, s, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    runToEnd(**session);
    return answerIds((*session)->data());
}

}  // namespace

class TestConversation : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;
    std::shared_ptr<const Model> m_model, m_withTokens, m_base;

  private slots:
    void initTestCase() {
        m_model = chatModel(m_folder.file("chatml"), kChatMl);
        m_withTokens = chatModel(m_folder.file("mistral"), kMistral);
        m_base = chatModel(m_folder.file("base"), "");
        QVERIFY(m_model && m_withTokens && m_base);
    }

    void theNextQuestionEvaluatesOnlyWhatIsNew() {
        auto backend = reference(*m_model);
        auto c = Conversation::create(m_model, *backend, settings());
        QVERIFY(c.ok());
        Conversation& chat = **c;
        const int32_t first = answered(chat, chat.ask("Hello", 1));
        const RunData& one = *chat.turns()[size_t(first)].run;
        QCOMPARE(one.stats.keptTokens, 0);
        QCOMPARE(QString::fromStdString(one.header.formattedPrompt),
                 QString("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"));
        QCOMPARE(one.header.settings.task, std::string("chat"));
        QCOMPARE(backend->prompt.size(), one.header.prompt.size());

        backend->prompt.clear();
        const int32_t second = answered(chat, chat.ask("And now?", 2));
        const RunData& two = *chat.turns()[size_t(second)].run;
        const size_t held = one.header.prompt.size() + one.steps.size();
        QCOMPARE(size_t(two.stats.keptTokens), held);
        QCOMPARE(two.stats.promptTokens, int32_t(two.header.prompt.size()));
        QCOMPARE(backend->prompt.size(), two.header.prompt.size() - held);
        for (size_t i = 0; i < backend->prompt.size(); ++i) {
            QCOMPARE(backend->prompt[i].position, int32_t(held + i));
            QCOMPARE(backend->prompt[i].token, two.header.prompt[held + i].id);
        }
        // The prompt begins with the very tokens of the turn before.
        std::vector<int32_t> before = promptIds(one);
        for (const int32_t id : answerIds(one)) before.push_back(id);
        const auto now = promptIds(two);
        QVERIFY(std::equal(before.begin(), before.end(), now.begin()));
        QCOMPARE(answerIds(one), alone(m_model, one));
        QCOMPARE(answerIds(two), alone(m_model, two));
        QCOMPARE(backend->nLive, 1);
        c = invalidArgument("gone");
        QCOMPARE(backend->nLive, 0);
    }

    void aTreeOfTurns() {
        auto backend = reference(*m_model);
        RunSettings s = settings();
        s.sampler.temperature = 3;
        s.sampler.seed = 11;
        auto c = Conversation::create(m_model, *backend, s);
        QVERIFY(c.ok());
        Conversation& chat = **c;
        QCOMPARE(chat.tip(), -1);
        const int32_t a = answered(chat, chat.ask("one", 1));
        const int32_t b = answered(chat, chat.ask("two", 2));
        QCOMPARE(chat.path(b), (std::vector<int32_t>{0, a, 2, b}));

        const int32_t again = answered(chat, chat.regenerate(3));
        const RunData& old = *chat.turns()[size_t(b)].run;
        const RunData& other = *chat.turns()[size_t(again)].run;
        QCOMPARE(promptIds(other), promptIds(old));
        QCOMPARE(other.stats.keptTokens, other.stats.promptTokens - 1);
        QVERIFY(answerIds(other) != answerIds(old));
        QCOMPARE(answerIds(other), alone(m_model, other));
        QCOMPARE(chat.children(2), (std::vector<int32_t>{b, again}));
        QCOMPARE(chat.tip(), again);

        // Back to the first answer, and another way from there: what both ways share is kept.
        QVERIFY(chat.select(a).ok());
        const int32_t side = answered(chat, chat.ask("three", 4));
        const RunData& aside = *chat.turns()[size_t(side)].run;
        QVERIFY(aside.stats.keptTokens >=
                int32_t(chat.turns()[size_t(a)].run->header.prompt.size() + chat.turns()[size_t(a)].run->steps.size()));
        QVERIFY(aside.stats.keptTokens < aside.stats.promptTokens - 1);
        QCOMPARE(answerIds(aside), alone(m_model, aside));

        const int32_t edited = answered(chat, chat.edit(0, "One", 5));
        QCOMPARE(chat.turns()[size_t(edited)].parent, int32_t(chat.turns().size()) - 2);
        QCOMPARE(chat.children(-1).size(), size_t{2});
        QCOMPARE(answerIds(*chat.turns()[size_t(edited)].run), alone(m_model, *chat.turns()[size_t(edited)].run));
        QCOMPARE(chat.turns()[0].text, std::string("one"));  // the old branch is as it was
        QVERIFY(chat.select(b).ok());
        QCOMPARE(chat.path(chat.tip()), (std::vector<int32_t>{0, a, 2, b}));
        QVERIFY(!chat.select(2).ok() && !chat.select(99).ok() && !chat.select(-2).ok());
        QVERIFY(!chat.edit(a, "x", 6).ok() && !chat.edit(99, "x", 6).ok());
        QVERIFY(chat.select(-1).ok());
        QVERIFY(!chat.regenerate(7).ok());
        QCOMPARE(backend->nLive, 1);
    }

    void stopped() {
        auto backend = reference(*m_model);
        auto c = Conversation::create(m_model, *backend, settings("dense", -1));
        Conversation& chat = **c;
        auto session = chat.ask("a", 1);
        QVERIFY(session.ok());
        QVERIFY(!chat.ask("b", 2).ok() && !chat.regenerate(2).ok() && !chat.edit(0, "b", 2).ok());
        QVERIFY(!chat.setSettings(settings()).ok() && !chat.select(-1).ok());
        QVERIFY((*session)->prefill(nullptr, {}).ok());
        for (int i = 0; i < 3; ++i) QVERIFY((*session)->step().ok());
        const int32_t part = chat.endAnswer().value();
        const RunData& run = *chat.turns()[size_t(part)].run;
        QCOMPARE(int(run.stats.stop), int(StopReason::Cancelled));
        QCOMPARE(run.steps.size(), size_t{3});
        QVERIFY(!chat.endAnswer().ok());
        QVERIFY(chat.setSettings(settings()).ok());
        const int32_t next = answered(chat, chat.ask("b", 2));
        QCOMPARE(chat.turns()[size_t(next)].run->stats.keptTokens, int32_t(run.header.prompt.size()) + 3);

        // Stopped before the prompt was read: the question stays without an answer, the next one takes its place.
        session = chat.ask("c", 3);
        const std::atomic<bool> stop{true};
        QVERIFY(!(*session)->prefill(&stop, {}).ok());
        QCOMPARE(chat.endAnswer().value(), -1);
        const int32_t open = chat.tip();
        QCOMPARE(chat.turns()[size_t(open)].text, std::string("c"));
        const int32_t instead = answered(chat, chat.ask("d", 4));
        QCOMPARE(chat.path(instead).size(), size_t{6});
        QCOMPARE(chat.turns()[size_t(instead - 1)].parent, next);
        QCOMPARE(answerIds(*chat.turns()[size_t(instead)].run), alone(m_model, *chat.turns()[size_t(instead)].run));
    }

    void policiesHoldInChat_data() {
        QTest::addColumn<QString>("attention");
        for (const char* name : {"dense", "declared", "window=9", "keep=12"}) QTest::newRow(name) << name;
    }
    void policiesHoldInChat() {
        QFETCH(QString, attention);
        auto backend = reference(*m_model);
        auto c = Conversation::create(m_model, *backend, settings(attention.toUtf8()));
        QVERIFY2(c.ok(), c.ok() ? "" : c.error().toString().c_str());
        Conversation& chat = **c;
        const int32_t a = answered(chat, chat.ask("Hello there", 1));
        const int32_t b = answered(chat, chat.ask("And then?", 2));
        const RunData& one = *chat.turns()[size_t(a)].run;
        const RunData& two = *chat.turns()[size_t(b)].run;
        QCOMPARE(size_t(two.stats.keptTokens), one.header.prompt.size() + one.steps.size());
        QCOMPARE(two.header.promptVisible.size(), two.header.prompt.size());
        // Every token of the second prompt and answer: the list that the backend was given for it, whenever that was.
        const auto given = [&](int32_t position) -> const IntervalList* {
            const IntervalList* last = nullptr;
            for (const auto* queries : {&backend->prompt, &backend->decoded})
                for (const auto& query : *queries)
                    if (query.position == position) last = &query.visible;
            return last;
        };
        for (size_t i = 0; i < two.header.prompt.size(); ++i) {
            QVERIFY(given(int32_t(i)) != nullptr);
            QVERIFY2(*two.header.promptVisible[i] == *given(int32_t(i)), std::to_string(i).c_str());
        }
        for (const StepRecord& step : two.steps) QVERIFY(*step.visible == *given(step.position));
        if (attention == "window=9") QVERIFY(two.header.promptVisible[one.header.prompt.size()]->front().begin > 0);

        QVERIFY(chat.setSettings(settings(attention == "dense" ? "window=9" : "dense")).ok());
        const int32_t other = answered(chat, chat.ask("Now?", 3));
        QCOMPARE(chat.turns()[size_t(other)].run->stats.keptTokens, 0);
    }

    void controlTokensComeFromTheTemplate() {
        const Tokenizer& tokenizer = m_withTokens->tokenizer();
        const int32_t bos = tokenizer.bosId(), eos = tokenizer.eosId();
        QVERIFY(bos >= 0 && eos >= 0);
        const std::string begin = tokenizer.pieceName(bos), end = tokenizer.pieceName(eos);
        auto backend = reference(*m_withTokens);
        auto c = Conversation::create(m_withTokens, *backend, settings());
        QVERIFY(c.ok());
        Conversation& chat = **c;
        const std::string typed = "a" + begin + end + "<in>1<:>" + begin.substr(0, 1);
        answered(chat, chat.ask(typed, 1));
        const int32_t last = answered(chat, chat.ask(end + typed + end, 2));
        const RunData& run = *chat.turns()[size_t(last)].run;
        QVERIFY(run.header.formattedPrompt.find("[INST] " + end + typed + end + " [/INST]") != std::string::npos);
        std::vector<int32_t> special;
        const RunData& first = *chat.turns()[1].run;
        for (size_t i = 0; i < run.header.prompt.size(); ++i) {
            const bool answer = i >= first.header.prompt.size() && i < first.header.prompt.size() + first.steps.size();
            if (!answer && run.header.prompt[i].special) special.push_back(run.header.prompt[i].id);
        }
        QCOMPARE(special, (std::vector<int32_t>{bos, eos}));  // of the template, and the end of the first answer
        QCOMPARE(run.header.prompt.front().id, bos);
    }

    void systemTextAndLimits() {
        auto backend = reference(*m_model);
        RunSettings s = settings();
        s.systemText = "Be brief.";
        s.contextTokens = 160;
        auto c = Conversation::create(m_model, *backend, s);
        QVERIFY(c.ok());
        Conversation& chat = **c;
        const auto tooLong = chat.ask(std::string(1000, 'x'), 1);
        QVERIFY(!tooLong.ok());
        QCOMPARE(int(tooLong.error().code), int(ErrorCode::InvalidArgument));
        QVERIFY(chat.turns().empty());
        QCOMPARE(chat.tip(), -1);
        QVERIFY(!chat.ask(" \n", 1).ok());
        QVERIFY(!chat.ask("\xff", 1).ok());
        QVERIFY(chat.turns().empty());
        const int32_t a = answered(chat, chat.ask("x", 1));
        QVERIFY(chat.turns()[size_t(a)].run->header.formattedPrompt.starts_with(
            "<|im_start|>system\nBe brief.<|im_end|>\n"));

        auto other = reference(*m_withTokens);
        auto noPlace = Conversation::create(m_withTokens, *other, s);
        QVERIFY(noPlace.ok());
        const auto refused = (*noPlace)->ask("x", 1);
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().message.find("system") != std::string::npos);
        auto small = reference(*m_model, 64);
        QCOMPARE(int(Conversation::create(m_model, *small, s).error().code), int(ErrorCode::OutOfMemory));
    }

    /// A conversation goes on in another one: the same answer as there, all of the prompt evaluated again.
    void restored() {
        auto backend = reference(*m_model);
        auto c = Conversation::create(m_model, *backend, settings());
        QVERIFY(c.ok());
        answered(**c, (*c)->ask("one", 1));
        const int32_t second = answered(**c, (*c)->ask("two", 2));
        answered(**c, (*c)->edit(0, "three", 3));
        std::vector<ChatTurn> turns = (*c)->turns();
        QVERIFY(!turns[1].ids.empty());
        QCOMPARE(turns[1].ids, answerIds(*turns[1].run));
        QVERIFY((*c)->select(second).ok());
        const int32_t wanted = answered(**c, (*c)->ask("four", 4));
        const RunData there = *(*c)->turns()[size_t(wanted)].run;
        QVERIFY(there.stats.keptTokens > 0);

        for (ChatTurn& turn : turns) turn.run = nullptr;
        auto again = Conversation::create(m_model, *backend, settings());
        QVERIFY(again.ok());
        answered(**again, (*again)->ask("something else", 1));
        QVERIFY((*again)->restore(turns, second).ok());
        QCOMPARE((*again)->turns().size(), turns.size());
        QCOMPARE((*again)->tip(), second);
        const int32_t here = answered(**again, (*again)->ask("four", 4));
        const RunData& run = *(*again)->turns()[size_t(here)].run;
        QCOMPARE(run.stats.keptTokens, 0);
        QCOMPARE(promptIds(run), promptIds(there));
        QCOMPARE(answerIds(run), answerIds(there));

        // A question that has no answer yet can be the tip, and be answered.
        turns.push_back({ChatRole::User, second, "five", {}, {}, nullptr});
        const auto open = static_cast<int32_t>(turns.size()) - 1;
        QVERIFY((*again)->restore(turns, open).ok());
        QCOMPARE((*again)->path((*again)->tip()).back(), open);
        const int32_t last = answered(**again, (*again)->regenerate(5));
        QCOMPARE((*again)->turns()[size_t(last)].parent, open);
        QVERIFY(!(*again)->select(open).ok());  // it has one now

        // What is no tree of questions and answers leaves everything as it was.
        const auto refused = [&](std::vector<ChatTurn> wrong, int32_t tip) {
            const size_t before = (*again)->turns().size();
            return !(*again)->restore(std::move(wrong), tip).ok() && (*again)->turns().size() == before &&
                   (*again)->tip() == last;
        };
        const ChatTurn question{ChatRole::User, -1, "q", {}, {}, nullptr},
            answer{ChatRole::Assistant, 0, "a", {}, {}, {}};
        QVERIFY(refused({answer}, 0));
        QVERIFY(refused({{ChatRole::Assistant, -1, "a", {}, {}, {}}}, 0));
        QVERIFY(refused({question, {ChatRole::User, 0, "q", {}, {}, {}}}, -1));
        QVERIFY(refused({question, answer, {ChatRole::Assistant, 1, "a", {}, {}, {}}}, -1));
        QVERIFY(refused({{ChatRole::System, -1, "s", {}, {}, {}}}, -1));
        QVERIFY(refused({question, {ChatRole::User, 5, "q", {}, {}, {}}}, -1));
        QVERIFY(refused({question, {ChatRole::User, -2, "q", {}, {}, {}}}, -1));
        QVERIFY(refused({question, answer}, 0));
        QVERIFY(refused({question, answer}, 2));
        QVERIFY((*again)->restore({question, answer}, 1).ok());
    }

    void tasksFitTheModel() {
        const auto code = [](const Model& model, const char* task) {
            RunSettings s;
            s.task = task;
            s.promptText = "1+2";
            const auto prompt = preparePrompt(model, s);
            return prompt ? 0 : int(prompt.error().code);
        };
        for (const char* task : {"expression", "sheet", "news"}) {
            QCOMPARE(code(*m_base, task), int(ErrorCode::Unsupported));
            QCOMPARE(code(*m_model, task), int(ErrorCode::Unsupported));
        }
        QCOMPARE(code(*m_base, "text"), 0);
        QCOMPARE(code(*m_base, "chat"), int(ErrorCode::Unsupported));
        QCOMPARE(code(*m_model, "chat"), 0);
        const auto both = chatModel(m_folder.file("both"), kChatMl, true);
        QCOMPARE(code(*both, "sheet"), 0);
        QCOMPARE(code(*both, "chat"), 0);
        auto backend = reference(*m_base);
        QCOMPARE(int(Conversation::create(m_base, *backend, settings()).error().code), int(ErrorCode::Unsupported));
        QCOMPARE(backend->nLive, 0);
    }
};

QTEST_GUILESS_MAIN(TestConversation)
#include "tst_conversation.moc"
