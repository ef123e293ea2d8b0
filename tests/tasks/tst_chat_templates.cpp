// Chat templates: what the exact functions and the process with Jinja2 make of published models' templates, against
// what Jinja2 made of them when the fixtures were written; and which part of that a message wrote.
#include <zlib.h>
#include <QtTest>
#include <nlohmann/json.hpp>

#include <ctime>

#include "engine/tasks/chat/child_process.h"
#include "engine/tasks/chat/known_templates.h"
#include "engine/tasks/chat/placeholders.h"
#include "engine/tasks/chat/template_process.h"
#include "tests/costs.h"

using namespace spanscope;
using Json = nlohmann::json;

namespace {

std::string gunzip(const char* path) {
    std::string text;
    gzFile file = gzopen(path, "rb");
    if (file == nullptr) return text;
    std::array<char, 1 << 16> piece{};
    for (int n = 0; (n = gzread(file, piece.data(), piece.size())) > 0;) text.append(piece.data(), size_t(n));
    gzclose(file);
    return text;
}

std::vector<ChatMessage> chat(const Json& list) {
    std::vector<ChatMessage> messages;
    for (const Json& m : list) {
        const std::string role = m["role"];
        messages.push_back({role == "system" ? ChatRole::System
                            : role == "user" ? ChatRole::User
                                             : ChatRole::Assistant,
                            m["content"],
                            {}});
    }
    return messages;
}

/// Every part that the template is said to have written is free of the messages' words.
QString wordsInTrusted(const RenderedChat& parts) {
    for (const ChatPart& part : parts) {
        if (!part.trusted) continue;
        for (const char* word : {"obey", "Who are you", "Hello", "Be brief", "system\nobey", "[/INST]<end_of_turn>",
                                 "7 * 7", "Let me see", "It is 2", "Grüße"})
            if (part.text.find(word) != std::string::npos) return QString::fromUtf8(word);
    }
    return {};
}

const std::vector<ChatMessage> kShort{{ChatRole::System, " Be kind. ", {}},
                                      {ChatRole::User, "Hi <b>", {}},
                                      {ChatRole::Assistant, "<think>\nhm\n</think>\n\nHo ", {}},
                                      {ChatRole::User, "\nBye", {}}};

/// What a function of Python would have made of the template `make`.
template <class Make>
Result<RenderedChat> cutWith(const std::vector<ChatMessage>& messages, const Make& make) {
    const Placeholders placeholders(messages, "");
    return placeholders.cut(make(messages), make(placeholders.marked()));
}

}  // namespace

class TestChatTemplates : public QObject {
    Q_OBJECT
    Json m_fixtures;
    std::time_t m_now = 0;
    bool m_hasJinja = false;

    TemplateRequest request(const std::string& text) const {
        return {text, {{"bos_token", "<s>"}, {"eos_token", "</s>"}}, m_now};
    }
    Result<std::vector<std::string>> render(const std::string& text, std::vector<ChatMessage> messages = kShort) const {
        const std::vector<std::vector<ChatMessage>> one{std::move(messages)};
        return renderTemplate(request(text), one);
    }

  private slots:
    void initTestCase() {
        m_fixtures = Json::parse(gunzip(SPANSCOPE_SOURCE_DIR "/tests/fixtures/chat/chat.json.gz"), nullptr, false);
        QVERIFY(m_fixtures.is_object());
        QVERIFY(m_fixtures["templates"].size() >= 90);
        std::tm day{};
        const Json& now = m_fixtures["now"];
        day.tm_year = now[0].get<int>() - 1900;
        day.tm_mon = now[1].get<int>() - 1;
        day.tm_mday = now[2];
        day.tm_hour = now[3];
        day.tm_isdst = -1;
        m_now = std::mktime(&day);
        const auto tried = render("x");
        m_hasJinja = tried.ok();
        if (!m_hasJinja) QVERIFY2(tried.error().message.find("python3-jinja2") != std::string::npos, "not the reason");
    }

    void known_data() {
        QTest::addColumn<int>("index");
        for (size_t i = 0; i < m_fixtures["templates"].size(); ++i) {
            const std::string name = m_fixtures["templates"][i]["name"];
            if (!name.starts_with("other/")) QTest::newRow(name.c_str()) << int(i);
        }
    }
    void known() {
        QFETCH(int, index);
        const Json& fixture = m_fixtures["templates"][size_t(index)];
        const std::string text = fixture["template"];
        const ChatFrame* frame = knownTemplate(text);
        QVERIFY(frame != nullptr);
        std::string windows;
        for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
        QCOMPARE(knownTemplate(windows), frame);
        std::string changed = text;
        changed[text.size() / 2] ^= 1;
        QVERIFY(knownTemplate(changed) == nullptr);
        QVERIFY(knownTemplate(text + " ") == nullptr);

        for (size_t c = 0; c < m_fixtures["conversations"].size(); ++c) {
            const std::vector<ChatMessage> messages = chat(m_fixtures["conversations"][c]);
            const Json& expected = fixture["results"][c];
            const auto rendered = renderFrame(*frame, {"<s>", "</s>", m_now}, messages);
            const bool noPlace = frame->place == SystemPlace::Nowhere && messages[0].role == ChatRole::System;
            // Some templates refuse a system text, some drop it without a word: here both are refused.
            QCOMPARE(rendered.ok(), !noPlace);
            if (!rendered) continue;
            QVERIFY2(expected.contains("text"), expected.dump().c_str());
            QCOMPARE(QString::fromStdString(joined(*rendered)), QString::fromStdString(expected["text"]));
            QCOMPARE(wordsInTrusted(*rendered), QString());
            for (const ChatPart& part : *rendered)
                if (part.message >= 0) QCOMPARE(part.text, messages[size_t(part.message)].text);
        }
    }

    /// What a template is told of enable_thinking, by the functions and by the process.
    void thinking_data() {
        QTest::addColumn<int>("index");
        for (size_t i = 0; i < m_fixtures["templates"].size(); ++i)
            if (m_fixtures["templates"][i].contains("thinking"))
                QTest::newRow(m_fixtures["templates"][i]["name"].get<std::string>().c_str()) << int(i);
    }
    void thinking() {
        QFETCH(int, index);
        const Json& fixture = m_fixtures["templates"][size_t(index)];
        const std::string text = fixture["template"];
        const ChatFrame* frame = knownTemplate(text);
        if (!frame && !m_hasJinja) QSKIP("no python3-jinja2");
        size_t n = 0;
        for (const bool on : {true, false}) {
            const Json& results = fixture["thinking"][on ? "on" : "off"];
            std::vector<std::vector<ChatMessage>> chats;
            std::vector<std::string> expected;
            for (size_t c = 0; c < results.size(); ++c) {
                if (!results[c].contains("text")) continue;
                chats.push_back(chat(m_fixtures["conversations"][c]));
                expected.push_back(results[c]["text"]);
                if (!frame) continue;
                const auto rendered = renderFrame(*frame, {"<s>", "</s>", m_now, on}, chats.back());
                QVERIFY(rendered.ok());
                QCOMPARE(QString::fromStdString(joined(*rendered)), QString::fromStdString(expected.back()));
                ++n;
            }
            if (!m_hasJinja) continue;
            TemplateRequest asked = request(text);
            asked.thinking.assign(chats.size(), on);
            const auto rendered = renderTemplate(asked, chats);
            QVERIFY2(rendered.ok(), rendered.ok() ? "" : rendered.error().toString().c_str());
            for (size_t i = 0; i < expected.size(); ++i, ++n)
                QCOMPARE(QString::fromStdString((*rendered)[i]), QString::fromStdString(expected[i]));
        }
        QVERIFY(n > 0);
    }

    void byJinja_data() {
        QTest::addColumn<int>("index");
        for (size_t i = 0; i < m_fixtures["templates"].size(); ++i)
            QTest::newRow(m_fixtures["templates"][i]["name"].get<std::string>().c_str()) << int(i);
    }
    /// All of them, those that are known too.
    void byJinja() {
        if (!m_hasJinja) QSKIP("no python3-jinja2");
        QFETCH(int, index);
        const Json& fixture = m_fixtures["templates"][size_t(index)];
        const std::string text = fixture["template"];
        std::vector<std::vector<ChatMessage>> both;
        std::vector<Placeholders> placeholders;
        std::vector<std::string> expected;
        for (size_t c = 0; c < m_fixtures["conversations"].size(); ++c) {
            const std::vector<ChatMessage> messages = chat(m_fixtures["conversations"][c]);
            if (!fixture["results"][c].contains("text")) continue;
            placeholders.emplace_back(messages, text);
            both.push_back(messages);
            both.push_back(placeholders.back().marked());
            expected.push_back(fixture["results"][c]["text"]);
        }
        const auto rendered = renderTemplate(request(text), both);
        if (both.empty()) return;
        QVERIFY2(rendered.ok(), rendered.ok() ? "" : rendered.error().toString().c_str());
        size_t nCut = 0;
        for (size_t i = 0; i < expected.size(); ++i) {
            QCOMPARE(QString::fromStdString((*rendered)[2 * i]), QString::fromStdString(expected[i]));
            const auto parts = placeholders[i].cut((*rendered)[2 * i], (*rendered)[2 * i + 1]);
            if (!parts) continue;
            ++nCut;
            QCOMPARE(joined(*parts), expected[i]);
            QCOMPARE(wordsInTrusted(*parts), QString());
        }
        if (nCut != expected.size()) qInfo("cut %zu of %zu", nCut, expected.size());
        // An ordinary conversation can be cut in every template that takes one.
        const auto parts = placeholders[0].cut((*rendered)[0], (*rendered)[1]);
        QVERIFY2(parts.ok(), parts.ok() ? "" : parts.error().toString().c_str());
        QVERIFY(nCut >= 1);
    }

    void refusalsAreTheTemplatesOwn() {
        if (!m_hasJinja) QSKIP("no python3-jinja2");
        int n = 0;
        for (const Json& fixture : m_fixtures["templates"]) {
            for (size_t c = 0; c < fixture["results"].size() && n < 12; ++c) {
                if (!fixture["results"][c].contains("error")) continue;
                const auto rendered = render(fixture["template"], chat(m_fixtures["conversations"][c]));
                QVERIFY(!rendered.ok());
                QCOMPARE(int(rendered.error().code), int(ErrorCode::InvalidArgument));
                const std::string sentence = fixture["results"][c]["error"];
                QVERIFY2(rendered.error().message.find(sentence.substr(0, 40)) != std::string::npos,
                         rendered.error().message.c_str());
                ++n;
                break;
            }
        }
        QVERIFY(n > 3);
    }

    void hostileTemplates_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("code");
        const int wrong = int(ErrorCode::InvalidArgument), stopped = int(ErrorCode::Unsupported);
        QTest::newRow("syntax") << "{% if %}" << wrong;
        QTest::newRow("attributes") << "{{ ''.__class__.__mro__[1].__subclasses__() }}" << wrong;
        QTest::newRow("by filter") << "{{ ''|attr('__class__')|attr('__mro__') }}" << -1;  // undefined, which is empty
        QTest::newRow("by format") << "{{ '{0.__class__}'.format(1) }}" << -1;
        QTest::newRow("by format's reference") << "{{ ['{0.__class__}'.format]|map('first')|list }}" << wrong;
        QTest::newRow("namespace") << "{% set n = namespace(__class__=1) %}{{ n }}" << wrong;
        QTest::newRow("files") << "{% include '/etc/passwd' %}" << wrong;
        QTest::newRow("import") << "{% import 'os' as os %}{{ os }}" << wrong;
        QTest::newRow("changes messages") << "{{ messages.append(1) }}" << wrong;
        QTest::newRow("memory") << "{{ 'a' * 5000000000 }}" << stopped;
        QTest::newRow("depth") << "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}" << stopped;
        QTest::newRow("time") << "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
                              << stopped;
        QTest::newRow("output") << "{% set a = 'a' * 1000000 %}{% for i in range(200) %}{{ a }}{% endfor %}" << stopped;
    }
    void hostileTemplates() {
        if (!m_hasJinja) QSKIP("no python3-jinja2");
        QFETCH(QString, text);
        QFETCH(int, code);
        const auto rendered = render(text.toStdString());
        if (code < 0) {
            QVERIFY(rendered.ok());
            QCOMPARE(rendered->front(), std::string());
            return;
        }
        if (rendered.ok()) QFAIL(("rendered: " + rendered->front().substr(0, 200)).c_str());
        QVERIFY2(int(rendered.error().code) == code, rendered.error().toString().c_str());
    }

    void whatCodeOutsideTheSandboxCouldDo_data() {
        QTest::addColumn<QString>("code");
        for (const char* code :
             {"open('/etc/passwd')", "os.unlink('/nonexistent/file')", "os.mkdir('/nonexistent/folder')",
              "socket.socket()", "os.fork()", "os.execv('/bin/true', ['true'])", "os.kill(os.getpid(), 0)",
              "os.listdir('/')", "os.dup(1)", "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))"})
            QTest::newRow(code) << code;
    }
    /// The sandbox is taken away, so that a template's text is run as Python; the process still stands around it.
    void whatCodeOutsideTheSandboxCouldDo() {
        if (!m_hasJinja) QSKIP("no python3-jinja2");
        QFETCH(QString, code);
        QFile file(SPANSCOPE_SOURCE_DIR "/engine/tasks/chat/render_template.py");
        QVERIFY(file.open(QIODevice::ReadOnly));
        QString script = QString::fromUtf8(file.readAll());
        const auto replace = [&](const QString& what, const QString& by) {
            QCOMPARE(script.count(what), 1);
            script.replace(what, by);
        };
        replace("make.from_string(request[\"template\"])", "exec(request[\"template\"])");
        replace("    import codecs\n", "    import codecs\n    import socket\n");
        const auto ask = [&](const QString& run) {
            const Json request{{"template", run.toStdString()},
                               {"variables", Json::object()},
                               {"now", {2026, 11, 30, 0, 0, 0}},
                               {"conversations", Json::array()},
                               {"own_variables", Json::array()}};
            const auto answer =
                askProgram({"/usr/bin/python3", "-I", "-c", script.toStdString()}, request.dump(), ChildLimits{});
            return answer ? Json::parse(answer->output, nullptr, false) : Json();
        };
        QCOMPARE(ask("len('fine')"), Json({{"texts", Json::array()}}));
        const Json answer = ask(code);
        QVERIFY2(answer.contains("error"), answer.dump().c_str());
        const std::string error = answer["error"];
        QVERIFY2(error.find("not permitted") != std::string::npos || error.find("not allowed") != std::string::npos,
                 error.c_str());
    }

    void withoutPython() {
        const std::vector<std::vector<ChatMessage>> one{kShort};
        for (const char* python : {"", "/nonexistent/python3", "/bin/false", "/bin/cat"}) {
            const auto rendered = renderTemplateWith(python, request("x"), one);
            QVERIFY2(!rendered.ok(), python);
            QVERIFY(!rendered.error().message.empty());
        }
        const auto none = renderTemplateWith("", request("x"), one);
        QVERIFY(none.error().message.find("python3-jinja2") != std::string::npos);
    }

    void whatTemplatesDoToMessages() {
        const auto each = [](auto change) {
            return [change](const std::vector<ChatMessage>& messages) {
                std::string text;
                for (const ChatMessage& m : messages)
                    text += std::string("<|") + chatRoleName(m.role) + "|>" + std::string(change(m)) + "<|end|>";
                return text;
            };
        };
        const auto whole = cutWith(kShort, each([](const ChatMessage& m) { return m.text; }));
        QVERIFY(whole.ok());
        QCOMPARE(whole->size(), size_t{9});
        for (size_t i = 0; i < 4; ++i) {
            QCOMPARE((*whole)[2 * i + 1].message, int32_t(i));
            QCOMPARE((*whole)[2 * i + 1].text, kShort[i].text);
        }
        const auto trimmed = cutWith(kShort, each([](const ChatMessage& m) { return std::string(strip(m.text)); }));
        QVERIFY(trimmed.ok());
        QCOMPARE(joined(*trimmed), std::string("<|system|>Be kind.<|end|><|user|>Hi <b><|end|><|assistant|><think>\n"
                                               "hm\n</think>\n\nHo<|end|><|user|>Bye<|end|>"));
        const auto upper = cutWith(
            kShort, each([](const ChatMessage& m) { return QString::fromStdString(m.text).toUpper().toStdString(); }));
        QVERIFY(!upper.ok());
        QCOMPARE(int(upper.error().code), int(ErrorCode::Unsupported));
        const auto length = cutWith(kShort, each([](const ChatMessage& m) { return std::to_string(m.text.size()); }));
        QVERIFY(!length.ok());
        const auto firstWord = cutWith(kShort, each([](const ChatMessage& m) { return m.text.substr(0, 3); }));
        QVERIFY(!firstWord.ok());
        const auto dropsSystem = cutWith(
            kShort, each([](const ChatMessage& m) { return m.role == ChatRole::System ? std::string() : m.text; }));
        QVERIFY(!dropsSystem.ok());
        QCOMPARE(int(dropsSystem.error().code), int(ErrorCode::InvalidArgument));
        // Reasoning is dropped from answers, as templates do: no error, and nothing of it is left.
        const auto reasoned = cutWith(kShort, each([](const ChatMessage& m) {
                                          const size_t end = m.text.rfind("</think>");
                                          return end == std::string::npos ? m.text : m.text.substr(end + 10);
                                      }));
        QVERIFY(reasoned.ok());
        QVERIFY(joined(*reasoned).find("hm") == std::string::npos);
        // Marks avoid what is in the messages.
        std::vector<ChatMessage> odd{{ChatRole::User,
                                      "\xF3\xB0\x80\x80"
                                      "0\xF3\xB0\x80\x81",
                                      {}}};
        const auto cut = cutWith(odd, each([](const ChatMessage& m) { return m.text; }));
        QVERIFY(cut.ok());
        QCOMPARE((*cut)[1].text, odd[0].text);
    }

    /// An answer of tags alone, of one that is never closed, and a template that cuts its end off.
    void manyTags_data() {
        QTest::addColumn<QByteArray>("piece");
        QTest::addColumn<int>("cutOff");
        QTest::newRow("opened") << QByteArray("<think>") << 0;
        QTest::newRow("closed") << QByteArray("a</think>") << 0;
        QTest::newRow("end cut off") << QByteArray("a</think>") << 8;
    }
    void manyTags() {
        QFETCH(QByteArray, piece);
        QFETCH(int, cutOff);
        const double times = test::growth<std::vector<ChatMessage>>(
            32 << 10,
            [&](size_t n) {
                std::string text;
                while (text.size() < n) text += piece.toStdString();
                return std::vector<ChatMessage>{
                    {ChatRole::User, "q", {}}, {ChatRole::Assistant, text, {}}, {ChatRole::User, "q", {}}};
            },
            [&](const std::vector<ChatMessage>& messages) {
                const auto cut = cutWith(messages, [&](const std::vector<ChatMessage>& list) {
                    std::string text;
                    for (const ChatMessage& m : list)
                        text += "<|" + (m.role == ChatRole::User ? m.text : m.text.substr(0, m.text.size() - cutOff));
                    return text;
                });
                QVERIFY(cut.ok());
            });
        QVERIFY2(times < test::kLinear, qPrintable(QString::number(times)));
    }

    void reasoning() {
        const auto is = [](const char* text, bool begun, const char* thought, const char* said, bool open) {
            const ReasoningSplit split = splitReasoning(text, begun);
            return split.reasoning == thought && split.answer == said && split.open == open;
        };
        QVERIFY(is("plain", false, "", "plain", false));
        QVERIFY(is("<think>\na\n</think>\n\nb", false, "a", "b", false));
        QVERIFY(is("\n<think>a</think>b </think> c", false, "a", "b </think> c", false));
        QVERIFY(is("a\n</think>\n\nb", true, "a", "b", false));
        QVERIFY(is("a\n</think>\n\nb", false, "a", "b", false));
        QVERIFY(is("<think>\nstill", false, "still", "", true));
        QVERIFY(is("still", true, "still", "", true));
        QVERIFY(is("", false, "", "", false));
        QVERIFY(endsInsideReasoning("<|im_start|>assistant\n<think>\n"));
        QVERIFY(!endsInsideReasoning("<think>\n\n</think>\n\n"));
    }

    void stripsAsPythonDoes() {
        QCOMPARE(strip("\t\n\v\f\r\x1c\x1f \u0085\u00a0\u2003\u3000 a\u200b b \u2028"), std::string_view("a\u200b b"));
        QCOMPARE(strip(" \u3000"), std::string_view());
        QCOMPARE(stripEnd(" a "), std::string_view(" a"));
        QCOMPARE(stripStart(" a "), std::string_view("a "));
    }
};

QTEST_GUILESS_MAIN(TestChatTemplates)
#include "tst_chat_templates.moc"
