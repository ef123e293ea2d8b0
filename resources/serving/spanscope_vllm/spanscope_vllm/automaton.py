"""The span protocol for one request: token ids in, what each response token may read out.

The rules are those of docs/protocol.md; engine/span is where they are kept, and resources/serving/tests/test_automaton.py
holds this file against it, token by token. Prompts are read causally, so a prompt only says where its parts are.
"""
from dataclasses import dataclass, field

OPEN = 2**31 - 1  # end of an interval that grows with the text
MOST_DIGITS = 9   # of a label
PIECES = ("<in>", "<out>", "<:>", "<attend>", "</attend>", "<local>", "<global>")

TEXT, DIGIT, NEWLINE, END, IN, OUT, COLON, ATTEND, ATTEND_END, LOCAL, GLOBAL = range(11)
FREE, DECLARE, FOCUS, LOCALLY, GLOBALLY, CLOSE = range(6)
OUTSIDE, HEAD, DECLARATION, IN_ATTEND, IN_REF, BODY = range(6)

EVERYTHING = ((0, OPEN),)


def normalised(intervals):
    """Sorted, without empty ones, joined where they overlap or touch."""
    out = []
    for begin, end in sorted(i for i in intervals if i[0] < i[1]):
        if out and begin <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([begin, end])
    return tuple((b, e) for b, e in out)


@dataclass(frozen=True)
class Pieces:
    """Ids of one vocabulary: marks[id] is the mark of a piece, digits[id] the digit that it writes."""
    marks: dict
    digits: dict

    @staticmethod
    def of(special, newline, eos, digits):
        """special: ids of PIECES in that order; digits: ids of "0" to "9"."""
        marks = {id: DIGIT for id in digits}
        marks.update(zip(special, (IN, OUT, COLON, ATTEND, ATTEND_END, LOCAL, GLOBAL)))
        marks.update({newline: NEWLINE, eos: END})
        return Pieces(marks, {id: d for d, id in enumerate(digits)})


@dataclass
class Label:
    digits: str = ""
    spoiled: bool = False

    def value(self):
        """The number, None where it is none."""
        usable = not self.spoiled and 0 < len(self.digits) <= MOST_DIGITS
        return int(self.digits) if usable else None

    def add(self, digit):
        if len(self.digits) <= MOST_DIGITS:
            self.digits += str(digit)


@dataclass
class Segment:
    begin: int
    label: int | None = None
    refs: list = field(default_factory=list)  # intervals


class SpanAutomaton:
    """One request. heads: whether a declaration also reads the head of every earlier segment (spanscope.json's task)."""

    def __init__(self, pieces, heads, max_refs=64):
        self.pieces, self.heads, self.max_refs = pieces, heads, max_refs
        self.n_tokens = 0
        self.visible = EVERYTHING
        self.scaffold, self.head_spans = [], []
        self.in_labels, self.out_labels = {}, {}  # label: interval
        self.segment = self.previous = None       # being written; interval of the one closed last
        self.place, self.phase, self.next = OUTSIDE, FREE, FREE
        self.widened = self.focus_widened = self.attended = False
        self.label, self.ref_kind = Label(), IN

    # --- the prompt

    def read_prompt(self, tokens):
        """The whole prompt, once, first."""
        begin, inside, in_head, label, value = 0, False, False, Label(), None
        n = len(tokens)

        def close(end):
            if begin == end:
                return
            if not inside:
                self.scaffold.append((begin, end))
            elif value is not None:
                self.in_labels[value] = (begin, end)

        for at, token in enumerate(tokens):
            mark = self.pieces.marks.get(token, TEXT)
            if mark == IN:
                close(at)
                begin, inside, in_head, label, value = at, True, True, Label(), None
                continue
            if not inside:
                continue
            if in_head:
                if mark == DIGIT:
                    label.add(self.pieces.digits[token])
                elif mark == COLON:
                    value, in_head = label.value(), False
                else:
                    label.spoiled = True
            if mark == NEWLINE:
                close(at + 1)
                begin, inside = at + 1, False
        close(n)
        self.n_tokens = n

    # --- the response

    def read(self, token):
        """The next token; returns what its own query may read: sorted intervals, ((begin, end), ...)."""
        self.n_tokens += 1
        if self.next != self.phase:
            self.enter(self.next)
        mark = self.pieces.marks.get(token, TEXT)
        if mark == END:
            if self.place != OUTSIDE:
                self.close(self.n_tokens - 1)
        elif self.place == OUTSIDE:
            if mark == OUT:
                self.open()
            else:
                self.enter(FREE)
        else:
            self.in_segment(mark, token)
        return self.visible

    def in_segment(self, mark, token):
        if mark == NEWLINE:
            if not self.attended:
                self.widen()
            self.enter(GLOBALLY if self.widened else CLOSE)
            self.close(self.n_tokens)
        elif mark == OUT and self.place not in (IN_ATTEND, IN_REF):
            self.close(self.n_tokens - 1)
            self.open()
        elif self.place == HEAD:
            self.in_head(mark, token)
        elif self.place == DECLARATION:
            self.in_declaration(mark)
        elif self.place == IN_ATTEND:
            self.in_attend(mark)
        elif self.place == IN_REF:
            self.in_ref(mark, token)
        else:
            self.in_body(mark)

    def in_head(self, mark, token):
        if mark == COLON:
            self.end_head()
            self.place = DECLARATION
        elif mark == DIGIT:
            self.label.add(self.pieces.digits[token])
        else:
            self.label.spoiled = True
            if mark == ATTEND:  # the head was never closed
                self.end_head()
                self.place = IN_ATTEND
            elif mark == ATTEND_END:
                self.end_head()
                self.widen()
                self.begin_body()
            elif mark >= IN:
                self.widen()

    def in_declaration(self, mark):
        if mark == ATTEND:
            self.place = IN_ATTEND
        elif mark == GLOBAL and self.next == DECLARE:
            self.next = GLOBALLY
        elif mark == ATTEND_END:
            self.widen()
            self.begin_body()
        elif mark >= IN:
            self.widen()

    def in_attend(self, mark):
        if mark in (IN, OUT):
            self.ref_kind, self.label, self.place = mark, Label(), IN_REF
        elif mark == ATTEND_END:
            self.next = GLOBALLY if self.widened or self.focus_widened else FOCUS
            self.begin_body()
        elif mark == ATTEND:
            self.widen()
        else:
            self.focus_widened = True

    def in_ref(self, mark, token):
        if mark == COLON:
            self.end_ref()
            self.place = IN_ATTEND
        elif mark == DIGIT:
            self.label.add(self.pieces.digits[token])
        elif mark < IN:
            self.label.spoiled = True
        else:  # where the label's <:> should be: the reference is lost, the tag counts for itself
            self.focus_widened = True
            self.place = IN_ATTEND
            self.in_attend(mark)

    def in_body(self, mark):
        if mark == LOCAL and (self.next == FOCUS or (self.next == GLOBALLY and not self.widened)):
            self.next = LOCALLY
        elif mark in (ATTEND, ATTEND_END) or (mark >= IN and not self.widened):
            self.widen()

    # --- state

    def open(self):
        self.segment = Segment(self.n_tokens - 1)
        self.place, self.label = HEAD, Label()
        self.attended = self.widened = self.focus_widened = False
        self.enter(DECLARE)

    def close(self, end):
        span = (self.segment.begin, end)
        if self.segment.label is not None:
            self.out_labels[self.segment.label] = span
        self.previous, self.segment, self.place = span, None, OUTSIDE

    def end_head(self):
        self.segment.label = self.label.value()
        self.head_spans.append((self.segment.begin, self.n_tokens))

    def end_ref(self):
        labels = self.in_labels if self.ref_kind == IN else self.out_labels
        span = labels.get(self.label.value())
        if span is None or len(self.segment.refs) >= self.max_refs:
            self.focus_widened = True
            return
        self.segment.refs.append(span)
        self.visible = self.rule()

    def begin_body(self):
        self.attended, self.place = True, BODY

    def widen(self):
        self.widened, self.next = True, GLOBALLY

    def enter(self, phase):
        self.phase = self.next = phase
        self.visible = self.rule()

    def rule(self):
        """visibleIntervals() of engine/span/mask_rule.cpp, of a response."""
        own = self.segment
        if own is None or self.phase in (FREE, GLOBALLY):
            return EVERYTHING
        spans = [(0, 1), (own.begin, OPEN)]
        if self.phase == DECLARE:
            spans += self.scaffold
            if self.previous is not None:
                spans.append(self.previous)
            if self.heads:
                spans += self.head_spans
            spans += own.refs
        elif self.phase == FOCUS:
            spans += self.scaffold + own.refs
        elif self.phase == CLOSE:
            spans += self.scaffold
        return normalised(spans)
