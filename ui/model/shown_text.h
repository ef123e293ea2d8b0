// Text from outside (traces, model cards, vocabularies, paths, prompts, errors that quote them) as a widget may show
// it: bounded, with control and formatting characters written out, so that nothing hides, reorders or forges what
// stands beside it. What is kept, run, saved or copied is never changed; only what is shown is. Every text of that kind
// goes through here on its way to a label, a cell, a tab, a menu or a tooltip.
#pragma once

#include <QString>
#include <string>

namespace spanscope {

inline constexpr qsizetype kShownLine = 200;  ///< characters
inline constexpr qsizetype kShownText = 2000;

/// One line: line ends as ↵, tabs as ⇥, control and formatting characters as ‹U+202E›, the rest of a long text as "…"
/// and its size. Costs what it shows, whatever the size of `text`.
QString shownLine(const QString& text, qsizetype most = kShownLine);
QString shownLine(const std::string& text, qsizetype most = kShownLine);
/// One line with white space as single blanks: a prompt in a table, on a tab.
QString shownWords(const std::string& text, qsizetype most = kShownLine);
/// shownLine() with line ends and tabs kept. Runs of letters that no line could hold may be broken (at U+200B).
QString shownText(const QString& text, qsizetype most = kShownText);
QString shownText(const std::string& text, qsizetype most = kShownText);

/// It holds controls, or marks that turn the direction of writing: on show it is not what it is.
bool hidesText(const QString& text);
/// Of a menu, an action, a button or a tab: an ampersand is an ampersand.
QString menuText(const QString& text, qsizetype most = kShownLine);
/// The program's own rich text for assistive technology: what is written between the tags.
QString withoutMarkup(const QString& richText);
/// For setToolTip() and Qt::ToolTipRole, which guess whether a text is markup: shown as it is written, wrapped.
QString plainToolTip(const QString& text);

}  // namespace spanscope
