#include "engine/reading/plain_reading.h"

#include <algorithm>

#include "engine/reading/column_arithmetic.h"
#include "engine/reading/plain_words.h"
#include "engine/reading/written_step.h"

namespace spanscope {

namespace {

using Pieces = std::vector<PlainPiece>;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isOperator(char c) { return c == '+' || c == '-' || c == '*'; }
bool endsLine(const TokenInfo& token) { return !token.special && token.text.find('\n') != std::string::npos; }

PlainPiece piece(PlainRole role, Interval tokens, std::string text, std::string tip = {}) {
    PlainPiece p;
    p.role = role;
    p.first = tokens.begin;
    p.end = tokens.end;
    p.text = std::move(text);
    p.tip = std::move(tip);
    return p;
}

/// One token as it was written.
PlainPiece written(const RunData& run, int32_t position) {
    PlainPiece p = piece(PlainRole::Token, {position, position + 1}, {});
    const TokenInfo& token = tokenAt(run, position);
    p.breakBefore = token.special || token.text.starts_with(' ') || token.text.size() > 12;
    p.endsLine = endsLine(token);
    return p;
}

Pieces writtenPieces(const RunData& run, Interval tokens) {
    Pieces pieces;
    for (int32_t t = tokens.begin; t < tokens.end; ++t) pieces.push_back(written(run, t));
    return pieces;
}

/// Text of tokens and the token of each byte.
struct Characters {
    std::string text;
    std::vector<int32_t> tokens;
    Characters(const RunData& run, Interval range) {
        for (int32_t t = range.begin; t < range.end; ++t) {
            const TokenInfo& token = tokenAt(run, t);
            if (!token.special) text += token.text;
            tokens.resize(text.size(), t);
        }
    }
    Interval of(size_t begin, size_t end) const { return {tokens[begin], tokens[end - 1] + 1}; }
};

std::string subscript(std::string_view digits) {
    std::string out;
    for (const char c : digits) out += std::string("\xE2\x82") + static_cast<char>(0x80 + (c - '0'));
    return out;
}

/// Arithmetic of the protocol with spaces around its operators; "@3*" is an operator with its number. One piece for
/// each token, more tokens where they make one operator.
Pieces arithmetic(const RunData& run, Interval range) {
    const Characters chars(run, range);
    const std::string& s = chars.text;
    Pieces out;
    for (size_t i = 0; i < s.size();) {
        const bool afterOperand = i > 0 && (isDigit(s[i - 1]) || s[i - 1] == ')');
        size_t end = i + 1;
        if (s[i] == '\n') {
            PlainPiece p = piece(PlainRole::Text, chars.of(i, end), {});
            p.endsLine = true;
            out.push_back(std::move(p));
        } else if (s[i] == '@' || (isOperator(s[i]) && afterOperand)) {
            while (s[i] == '@' && end < s.size() && isDigit(s[end])) ++end;
            const std::string number = s[i] == '@' ? subscript(s.substr(i + 1, end - i - 1)) : std::string();
            if (s[i] == '@' && end < s.size()) ++end;
            out.push_back(piece(PlainRole::Text, chars.of(i, end), ' ' + plainOperator(s[end - 1]) + number + ' ',
                                number.empty() ? std::string() : "worked out in line " + s.substr(i + 1, end - i - 2)));
            out.back().breakBefore = true;
        } else {
            out.push_back(piece(PlainRole::Text, chars.of(i, end), s[i] == '-' ? "\u2212" : std::string(1, s[i])));
        }
        i = end;
    }
    return out;
}

void append(Pieces& to, Pieces more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// The reference's own tokens, from its opening piece to its closing one; positions are checked by hasPlainForm().
std::vector<Interval> referenceTokens(const Segment& segment, int32_t attend) {
    std::vector<Interval> tokens;
    int32_t begin = attend + 1;
    for (const SpanRef& ref : segment.refs) {
        tokens.push_back({begin, ref.position + 1});
        begin = ref.position + 1;
    }
    return tokens;
}

/// The place of <attend>, where the head of the segment reads as the grammar says; -1 otherwise.
int32_t attendToken(const RunData& run, const Segment& segment) {
    if (segment.bodyBegin < 0 || segment.label < 0) return -1;
    int32_t attend = segment.begin;
    while (attend < segment.bodyBegin && tokenAt(run, attend).text != "<attend>") ++attend;
    int32_t last = attend;
    for (const SpanRef& ref : segment.refs) {
        if (ref.position <= last || ref.position >= segment.bodyBegin) return -1;
        last = ref.position;
    }
    return last + 2 == segment.bodyBegin && tokenAt(run, last + 1).text == "</attend>" ? attend : -1;
}

std::string referenceText(const SpanRef& ref, bool sheetLine) {
    const std::string label = ref.label >= 0 ? std::to_string(ref.label) : "?";
    return (sheetLine && ref.kind == SegmentKind::In ? "line " : "") + label + (ref.segment < 0 ? "?" : "");
}

std::string referenceTip(const SpanRef& ref) {
    if (ref.segment < 0) return "nobody has this label; the reference was ignored";
    return {};
}

/// " (uses 1 and 3)"; the line of a sheet that a step works out goes without saying and is left to the label.
void addUses(Pieces& out, const RunData& run, const Segment& segment, int32_t attend, PlainPiece& label) {
    const std::vector<Interval> tokens = referenceTokens(segment, attend);
    size_t first = 0;
    label.end = attend;
    if (!segment.refs.empty() && segment.refs[0].kind == SegmentKind::In && segment.refs[0].label == segment.label) {
        label.end = tokens[0].end;
        first = 1;
    }
    if (first == segment.refs.size()) {
        label.end = segment.bodyBegin;
        return;
    }
    const bool sheet = run.header.settings.task == "sheet";
    const Interval opening = first == 0 ? Interval{attend, attend + 1} : Interval{0, 0};
    out.push_back(piece(PlainRole::Quiet, opening, " (uses "));
    out.back().breakBefore = true;
    for (size_t i = first; i < tokens.size(); ++i) {
        if (i > first) out.push_back(piece(PlainRole::Quiet, {0, 0}, i + 1 == tokens.size() ? " and " : ", "));
        const SpanRef& ref = segment.refs[i];
        out.push_back(piece(ref.segment < 0 ? PlainRole::Wrong : PlainRole::Source, tokens[i],
                            referenceText(ref, sheet), referenceTip(ref)));
    }
    out.push_back(piece(PlainRole::Quiet, {segment.bodyBegin - 1, segment.bodyBegin}, ")"));
}

Pieces workingRows(const WrittenStep& step) {
    Pieces out;
    const auto columns = columnArithmetic(step);
    const auto tokens = [&](const WorkCell& cell) -> Interval {
        if (cell.first >= cell.end) return {0, 0};
        return {step.workingTokens[static_cast<size_t>(cell.first)],
                step.workingTokens[static_cast<size_t>(cell.end - 1)] + 1};
    };
    if (!columns) {
        out.push_back(piece(PlainRole::Text, {step.working->first, step.working->end}, step.working->text,
                            "not written as column arithmetic; shown as it is"));
        out.back().endsLine = out.back().below = true;
        return out;
    }
    for (const WorkRow& row : columns->rows) {
        for (const WorkCell& cell : row.cells) {
            out.push_back(piece(cell.wrong.empty() ? PlainRole::Cell : PlainRole::WrongCell, tokens(cell), cell.text,
                                cell.wrong));
            if (row.kind == WorkRow::Kind::Carry && cell.wrong.empty()) out.back().tip = "carried or borrowed";
        }
        if (!row.about.empty()) out.push_back(piece(PlainRole::Quiet, {0, 0}, "   " + row.about));
        out.back().endsLine = true;
    }
    for (PlainPiece& p : out) p.below = true;
    return out;
}

void addCheck(Pieces& out, const SegmentCheck* check, Interval newline) {
    if (!check || !check->isArithmetic()) {
        out.push_back(piece(PlainRole::Quiet, newline, " "));
    } else if (!check->isWrong()) {
        out.push_back(piece(PlainRole::Right, newline, "  \u2713", "right by exact arithmetic"));
    } else {
        out.push_back(piece(PlainRole::Wrong, newline, "  \u2717 ", "wrong by exact arithmetic"));
        out.push_back(piece(PlainRole::Wrong, {0, 0}, check->note));
        out.back().breakBefore = true;
    }
}

Pieces stepPieces(const RunData& run, int32_t index, const WrittenStep& step, int32_t attend, const SegmentCheck* check,
                  bool open) {
    const Segment& segment = run.segments[static_cast<size_t>(index)];
    PlainPiece label = piece(PlainRole::Quiet, {segment.begin, attend + 1}, std::to_string(segment.label) + ": ");
    Pieces uses, out;
    addUses(uses, run, segment, attend, label);
    out.push_back(std::move(label));
    append(out, arithmetic(run, {step.left.first, step.right.end}));
    // "=-" is one token for some: it then belongs to the value.
    const bool merged = step.value.first < step.equals.end;
    out.push_back(
        piece(PlainRole::Text, merged ? Interval{0, 0} : Interval{step.equals.first, step.equals.end}, " = "));
    Pieces value = arithmetic(run, {step.value.first, step.value.end});
    if (merged && !value.empty() && value.front().text == "=") value.erase(value.begin());
    append(out, std::move(value));
    const Interval all = writtenTokens(run, segment);
    append(out, std::move(uses));
    addCheck(out, check, {all.end - 1, all.end});
    if (!step.working) return out;
    out.push_back(piece(PlainRole::Quiet, {0, 0}, "  "));
    PlainPiece working = piece(PlainRole::Working, {step.working->first, step.working->end}, open ? "\u25be" : "\u25b8",
                               open ? "close the working" : "open the working, as it was written");
    working.breakBefore = true;
    working.endsLine = open;
    out.push_back(std::move(working));
    if (open) append(out, workingRows(step));
    return out;
}

/// What there is of a step that is still being written; what it names as soon as that is complete.
Pieces beginningPieces(const RunData& run, const Segment& segment, Interval tokens, int32_t attend) {
    const int32_t body = segment.bodyBegin < 0 ? tokens.end : segment.bodyBegin;
    PlainPiece label = piece(PlainRole::Quiet, {tokens.begin, body},
                             segment.label >= 0 ? std::to_string(segment.label) + ": " : "\u2026");
    Pieces uses, out;
    if (attend >= 0) addUses(uses, run, segment, attend, label);
    out.push_back(std::move(label));
    int32_t local = body;
    while (local < tokens.end && !tokenAt(run, local).special) ++local;
    append(out, arithmetic(run, {body, local}));
    out.push_back(piece(PlainRole::Quiet, local < tokens.end ? Interval{local, tokens.end} : Interval{0, 0},
                        local > body ? " \u2026" : "\u2026"));
    append(out, std::move(uses));
    return out;
}

Pieces pointPieces(const RunData& run, const Segment& segment, int32_t attend, const SegmentCheck* check,
                   bool headline) {
    const Interval tokens = writtenTokens(run, segment);
    const int32_t body = segment.bodyBegin;
    Pieces out{piece(PlainRole::Quiet, {tokens.begin, attend < 0 ? std::max(tokens.begin, body) : attend + 1},
                     headline ? "Headline: " : "\u2022 ")};
    if (body < 0) {
        out[0].end = tokens.end;
        out.push_back(piece(PlainRole::Quiet, {0, 0}, "\u2026"));
        return out;
    }
    if (attend >= 0 && segment.refs.empty()) out[0].end = body;
    int32_t last = tokens.end;
    while (last > body && endsLine(tokenAt(run, last - 1))) --last;
    for (int32_t t = body; t < last; ++t) {
        PlainPiece p = written(run, t);
        p.endsLine = false;
        if (check)
            for (const Interval& words : check->unsupported)
                if (t >= words.begin && t < words.end) {
                    p.role = PlainRole::Unsupported;
                    p.tip = "this stands in none of the sentences that are named";
                }
        out.push_back(std::move(p));
    }
    const std::vector<Interval> refs = attend < 0 ? std::vector<Interval>() : referenceTokens(segment, attend);
    for (size_t i = 0; i < refs.size(); ++i) {
        const SpanRef& ref = segment.refs[i];
        out.push_back(piece(PlainRole::Mark, refs[i], referenceText(ref, false),
                            ref.segment < 0 ? referenceTip(ref) : "written from this sentence"));
        if (i + 1 == refs.size()) out.back().end = body;  // </attend>
        out.back().breakBefore = i == 0;
    }
    if (last < tokens.end) out.push_back(piece(PlainRole::Quiet, {last, tokens.end}, " "));
    return out;
}

/// The text of tokens [begin, end) starts with `prefix`.
std::string textOf(const RunData& run, Interval tokens) {
    std::string text;
    for (int32_t t = tokens.begin; t < tokens.end && text.size() < 64; ++t)
        if (!tokenAt(run, t).special) text += tokenAt(run, t).text;
    return text;
}

/// "sheet 8", "news 9 4" in words; empty where it is something else.
std::string headerWords(const std::string& text) {
    long a = 0, b = 0;
    char end = 0;
    if (std::sscanf(text.c_str(), "sheet %9ld%c", &a, &end) == 2 && end == '\n')
        return "Sheet of " + std::to_string(a) + (a == 1 ? " line" : " lines");
    if (std::sscanf(text.c_str(), "news %9ld %9ld%c", &a, &b, &end) == 3 && end == '\n')
        return "Article of " + std::to_string(a) + (a == 1 ? " sentence" : " sentences") + "; a headline and " +
               std::to_string(b - 1) + (b == 2 ? " key point" : " key points") + " are asked for";
    return {};
}

}  // namespace

PlainReader::PlainReader(const RunData& run, const RunChecks& checks, Reading reading,
                         std::function<bool(int32_t)> open)
    : m_run(run), m_checks(checks), m_reading(reading), m_open(std::move(open)) {}

PlainBlock PlainReader::promptBlock(int32_t position, int32_t most) {
    const auto nPrompt = static_cast<int32_t>(m_run.header.prompt.size());
    PlainBlock block;
    block.tokens = {position, std::min(nPrompt, position + most)};
    const std::string& task = m_run.header.settings.task;
    if (m_reading == Reading::Plain && task == "expression" && position == 0 &&
        ArithmeticProblem::read(task, m_run.header.formattedPrompt)) {
        block.tokens = {0, nPrompt};
        block.pieces = arithmetic(m_run, block.tokens);
        if (!block.pieces.empty()) block.pieces[0].first = 0;  // <bos>
    } else if (m_reading == Reading::Plain && (task == "sheet" || task == "news")) {
        const auto& segments = m_run.segments;
        const auto after = std::upper_bound(segments.begin(), segments.end(), position,
                                            [](int32_t p, const Segment& s) { return p < s.begin; });
        const bool found = after != segments.begin() && position < (after - 1)->end;
        if (after != segments.end())
            block.tokens.end = std::min(block.tokens.end, std::max(after->begin, position + 1));
        if (found) {
            const Segment& s = *(after - 1);
            block.tokens.end = std::min(nPrompt, s.end);
            if (s.begin != position && !(s.kind == SegmentKind::Scaffold && position == 0)) {
                // not from its beginning: as it is
            } else if (s.kind == SegmentKind::Scaffold) {
                if (std::string words = headerWords(textOf(m_run, block.tokens)); !words.empty()) {
                    block.pieces = {piece(PlainRole::Quiet, block.tokens, std::move(words))};
                    block.pieces[0].endsLine = true;
                }
            } else if (s.kind == SegmentKind::In && s.label >= 0 && s.bodyBegin > s.begin &&
                       s.bodyBegin <= block.tokens.end) {
                const Interval head{s.begin, s.bodyBegin}, body{s.bodyBegin, block.tokens.end};
                if (task == "sheet") {
                    block.pieces = {piece(PlainRole::Quiet, head, std::to_string(s.label) + ": ")};
                    append(block.pieces, arithmetic(m_run, body));
                } else {
                    block.pieces = {piece(PlainRole::Mark, head, std::to_string(s.label))};
                    append(block.pieces, writtenPieces(m_run, body));
                    PlainPiece& last = block.pieces.back();
                    if (last.endsLine && last.role == PlainRole::Token && tokenAt(m_run, last.first).text == "\n") {
                        last.role = PlainRole::Quiet;
                        last.text = " ";
                    }
                }
            }
        }
    }
    if (block.pieces.empty()) {
        block.pieces = writtenPieces(m_run, block.tokens);
        block.startsLine = position == 0;
    }
    return block;
}

PlainBlock PlainReader::at(int32_t position, int32_t most) {
    const auto nPrompt = static_cast<int32_t>(m_run.header.prompt.size());
    const auto nContext = static_cast<int32_t>(nPrompt + m_run.steps.size());
    if (position < nPrompt) return promptBlock(position, most);
    const auto segmentAt = [&](int32_t p) { return m_run.steps[static_cast<size_t>(p - nPrompt)].segment; };
    PlainBlock block;
    const int32_t index = segmentAt(position);
    const bool isSegment = index >= 0 && index < static_cast<int32_t>(m_run.segments.size()) &&
                           m_run.segments[static_cast<size_t>(index)].kind == SegmentKind::Out &&
                           m_run.segments[static_cast<size_t>(index)].name.empty() &&
                           m_run.segments[static_cast<size_t>(index)].begin == position;
    int32_t end = position + 1;
    while (end < nContext && segmentAt(end) == index && (isSegment || end - position < most)) ++end;
    block.tokens = {position, end};
    // What a vocabulary's tags open reads on as it was written.
    const bool tagged = !m_run.header.vocabulary.empty();
    block.startsLine = isSegment || position == nPrompt || (!tagged && segmentAt(position - 1) != index);
    if (isSegment) {
        const Segment& segment = m_run.segments[static_cast<size_t>(index)];
        const SegmentCheck* check = m_checks.ofSegment(index);
        block.segment = index;
        block.complete = check != nullptr;
        const bool whole = writtenTokens(m_run, segment).end == end;
        if (m_reading == Reading::Plain && whole) {
            const int32_t attend = attendToken(m_run, segment);
            const bool unfinished = !check || !endsLine(tokenAt(m_run, end - 1));
            const bool begins = unfinished && (!check || segment.bodyBegin < 0 || attend >= 0);
            if (m_run.header.settings.task == "news") {
                const bool headline = position == nPrompt;
                if (attend >= 0 || begins) block.pieces = pointPieces(m_run, segment, attend, check, headline);
            } else if (const auto step = attend < 0 ? std::nullopt : readWrittenStep(m_run, index)) {
                block.pieces = stepPieces(m_run, index, *step, attend, check, m_open && m_open(index));
            } else if (begins) {
                block.pieces = beginningPieces(m_run, segment, block.tokens, attend);
            }
        }
    }
    if (block.pieces.empty()) block.pieces = writtenPieces(m_run, block.tokens);
    return block;
}

std::string plainResponse(const RunData& run, const RunChecks& checks,
                          const std::function<std::string(const PlainPiece&, const std::string&)>& emphasis) {
    PlainReader reader(run, checks, Reading::Plain);
    std::string out;
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    const auto nContext = static_cast<int32_t>(nPrompt + run.steps.size());
    for (int32_t at = nPrompt; at < nContext;) {
        const PlainBlock block = reader.at(at);
        at = block.tokens.end;
        if (block.startsLine && !out.empty() && !out.ends_with('\n')) out += '\n';
        std::string line;
        bool open = false;  // a list of sources
        for (const PlainPiece& p : block.pieces) {
            if (p.role == PlainRole::Working) continue;
            std::string text = p.text.empty() && p.first + 1 == p.end &&
                                       (p.role == PlainRole::Token || p.role == PlainRole::Unsupported)
                                   ? tokenAt(run, p.first).text
                                   : p.text;
            const bool source = p.role == PlainRole::Mark;
            if (source) line += open ? ", " : " [";
            if (open && !source) line += ']';
            open = source;
            line += emphasis ? emphasis(p, text) : text;
        }
        if (open) line += ']';
        if (block.segment >= 0)
            while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.pop_back();
        out += line;
    }
    if (!out.empty() && !out.ends_with('\n')) out += '\n';
    return out;
}

std::string plainSegment(const RunData& run, const RunChecks& checks, int32_t segment) {
    PlainReader reader(run, checks, Reading::Plain);
    std::string line;
    for (const PlainPiece& p : reader.at(run.segments[static_cast<size_t>(segment)].begin).pieces) {
        if (p.role == PlainRole::Working || p.role == PlainRole::Right || p.role == PlainRole::Wrong) continue;
        line += p.text.empty() && p.first + 1 == p.end ? tokenAt(run, p.first).text : p.text;
    }
    while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.pop_back();
    return line;
}

}  // namespace spanscope
