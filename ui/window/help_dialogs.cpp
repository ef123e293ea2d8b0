#include "ui/window/help_dialogs.h"

#include <QAction>
#include <QDialogButtonBox>
#include <QKeySequence>
#include <QVBoxLayout>

#include "ui/model/shown_text.h"
#include "ui/model/tint.h"
#include "ui/window/closed_browser.h"

namespace spanscope {

namespace {

void fill(QDialog* dialog, const QString& title, const QString& html, const QSize& size) {
    dialog->setWindowTitle(title);
    dialog->resize(size);
    auto* text = new ClosedBrowser(dialog);
    text->setAccessibleName(title);
    text->setFrameShape(QFrame::NoFrame);
    text->document()->setDocumentMargin(16);
    text->setHtml(html);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    auto* column = new QVBoxLayout(dialog);
    column->setContentsMargins(8, 8, 8, 16);
    column->addWidget(text, 1);
    column->addWidget(buttons);
}

QString keyCap(const QString& key, const QPalette& palette) {
    return QStringLiteral("<span style='background:%1;font-family:monospace'>&nbsp;%2&nbsp;</span>")
        .arg(mix(palette.color(QPalette::Base), palette.color(QPalette::Text), 0.10).name(), key.toHtmlEscaped());
}

}  // namespace

ShortcutSheet::ShortcutSheet(const QVector<Group>& groups, QWidget* parent) : QDialog(parent) {
    QString html;
    const auto row = [&](const QString& keys, const QString& what) {
        html += QStringLiteral("<tr><td style='padding:3px 24px 3px 0'>%1</td><td style='padding:3px 0'>%2</td></tr>")
                    .arg(keys, what.toHtmlEscaped());
    };
    for (const Group& group : groups) {
        html += QStringLiteral("<h3 style='margin:12px 0 4px 0'>%1</h3><table>").arg(group.title.toHtmlEscaped());
        for (const QAction* action : group.actions) {
            QStringList keys;
            for (const QKeySequence& sequence : action->shortcuts())
                keys << keyCap(sequence.toString(QKeySequence::NativeText), palette());
            if (keys.isEmpty()) continue;
            QString what = action->toolTip().isEmpty() ? action->text().remove('&') : action->toolTip();
            what.remove(QStringLiteral(" (") + action->shortcut().toString(QKeySequence::NativeText) + ')');
            row(keys.join(QStringLiteral(" ")), what);
        }
        html += QStringLiteral("</table>");
    }
    html += QStringLiteral("<h3 style='margin:12px 0 4px 0'>%1</h3><table>").arg(tr("In transcript and plots"));
    const auto cap = [&](const char* key) { return keyCap(tr(key), palette()); };
    row(cap("Hover"), tr("Preview what a step attends to"));
    row(cap("Click"), tr("Lock the step; again or Esc unlocks"));
    row(cap("Shift+Click"), tr("Extend to a range of steps"));
    row(cap("←") + ' ' + cap("→"), tr("One step back or forth; with Shift ten"));
    row(cap("Home") + ' ' + cap("End"), tr("First and last step"));
    row(cap("T"), tr("What a plot, mask or graph shows as a table: sorted by its headings, copied with Ctrl+C"));
    row(cap("Esc"), tr("In the find bar: close it"));
    row(cap("Wheel") + ' ' + cap("Ctrl+Wheel"), tr("Scroll; zoom at the pointer"));
    html += QStringLiteral("</table>");
    fill(this, tr("Keyboard and mouse"), html, {560, 640});
}

ProtocolHelp::ProtocolHelp(QWidget* parent) : QDialog(parent) {
    const QString html = tr(R"(
<h2>How the model chooses what it attends to</h2>
<p>An ordinary language model attends to everything before each new token. This one first <b>names</b> what it needs for what it is
about to write, then attends only to that. What it names stands in its own output, so you can see it.</p>
<p style="font-family:monospace">&lt;out&gt;3&lt;:&gt;&lt;attend&gt;&lt;out&gt;1&lt;:&gt;&lt;out&gt;2&lt;:&gt;&lt;/attend&gt;19*-5&lt;local&gt;*-95541590=-95</p>
<p>says: <i>this is line 3; it needs lines 1 and 2</i>; then the line itself; then digits that need nothing but the line. The window shows it
as <tt>3: 19 × −5 = −95 (uses 1 and 2) ✓</tt>; <b>Markup</b> (Ctrl+M) shows what the model wrote.</p>
<p>A <b>step</b> is one decoded token. What <tt>&lt;out&gt;</tt> opens is a <b>segment</b>: a line in arithmetic, a key point in news.</p>
<h3>Phases</h3>
<table cellpadding="4">
<tr><td><b>declare</b></td><td>From <tt>&lt;out&gt;</tt> to <tt>&lt;/attend&gt;</tt>. Sees the prompt (of a sheet or a report only its heading: lines and sentences are segments), the segment before, and every reference as soon as it is closed.</td></tr>
<tr><td><b>focus</b></td><td>After <tt>&lt;/attend&gt;</tt>. Sees the prompt (or heading) and the declared references.</td></tr>
<tr><td><b>local</b></td><td>After <tt>&lt;local&gt;</tt>. Sees the segment itself only.</td></tr>
<tr><td><b>close</b></td><td>The line end of the segment. Sees the prompt (or heading) and the segment: here it is decided whether another one follows.</td></tr>
<tr><td><b>global</b></td><td>After <tt>&lt;global&gt;</tt>, until <tt>&lt;/attend&gt;</tt>. Sees everything: used to decide what to cite.</td></tr>
</table>
<p>The first token of the prompt is always visible, and a segment always sees itself. In expressions the declare phase also sees the
heads (<tt>&lt;out&gt;3&lt;:&gt;</tt>) of all earlier lines: which ones there are, not what they say.</p>
<h3>The digits after &lt;local&gt;</h3>
<p>Written arithmetic, from the last digit to the first, as it is taught in school. ▸ behind a line lays it out below (Return, or
Ctrl+Shift+M): operands below each other, carries and borrows above, partial products, the result. Every digit is the one that the
model wrote; a wrong one is framed, and its tooltip says what should stand there.</p>
<table cellpadding="4">
<tr><td><tt>+</tt></td><td>The sign of the result, then four digits for each place: both digits, the digit of the sum, the carry.
<tt>++27901010=19</tt> says 2 + 7 = 9 carry 0, 1 + 0 = 1 carry 0.</td></tr>
<tr><td><tt>-</tt></td><td>Digits are compared from the front, to the first pair that differs: only then is it known which number is larger, and the
sign. Then the places, with borrows. <tt>-38-8350=-5</tt> says 3 &lt; 8, so the result is negative, and 8 − 3 = 5.</td></tr>
<tr><td><tt>*</tt></td><td>One number times each digit of the other, from the last one on; after each, <tt>+</tt> and the sum so far.</td></tr>
</table>
<h3>What is checked</h3>
<p>Every line of arithmetic and the answer, by exact arithmetic: ✓ is right, ✗ is wrong, with what is right. A line can be wrong in its value, work
on other numbers than it should, or carry on a value that was wrong before. In news, names and numbers of a key point that stand in none of the
sentences that it names are underlined: that is a hint, not a proof.</p>
<h3>Attended, loaded, not read</h3>
<p><b>Attended</b> are the tokens that the span allows, no others. Keys and values lie in pages of 16 tokens and pages are loaded whole,
so what is <b>loaded</b> is the span rounded outward; where layers read only a window of it, the mean over layers. The rest is <b>not read</b> in that step. All tokens stay <b>stored</b>: a span saves
loading, not memory. What a step does not read can still act on it, through the keys and values of tokens that saw it.</p>
<h3>When the model writes nonsense</h3>
<p>An unknown or broken reference is ignored, and the segment attends to everything instead: evidence is never lost silently.
Each case is counted as a violation and shown in the span table and the inspector.</p>
<h3>Dense</h3>
<p>The same weights with ordinary attention. The models here were trained on both, so the comparison is fair.</p>
<p>After arXiv 2404.09336; the three modes also follow arXiv 2609.02737.</p>)");
    fill(this, tr("The span protocol"), html, {640, 640});
}

AboutDialog::AboutDialog(const QString& version, const QString& devices, QWidget* parent) : QDialog(parent) {
    const QString html =
        tr(R"(
<h2>Spanscope</h2>
<p>Version %1</p>
<p>Runs and shows language models that choose their own attention span.</p>
<p>%2</p>
<h3>Licence</h3>
<p>GNU General Public License, version 3 or later, with the additional permission to combine with NVIDIA's CUDA libraries.
This program comes with no warranty.</p>
<h3>Made with</h3>
<table cellpadding="3">
<tr><td>Qt %3</td><td>GNU LGPL 3</td></tr>
<tr><td>QCustomPlot</td><td>GNU GPL 3 or later</td></tr>
<tr><td>SentencePiece</td><td>Apache License 2.0</td></tr>
<tr><td>Highway</td><td>Apache License 2.0 or BSD 3-Clause</td></tr>
<tr><td>nlohmann/json</td><td>MIT</td></tr>
<tr><td>CLI11</td><td>BSD 3-Clause</td></tr>
<tr><td>NVIDIA CUDA, cuBLAS (optional)</td><td>NVIDIA CUDA Toolkit EULA</td></tr>
</table>)")
            .arg(version.toHtmlEscaped(), shownText(devices).toHtmlEscaped(), QString::fromUtf8(qVersion()));
    fill(this, tr("About Spanscope"), html, {520, 520});
}

}  // namespace spanscope
