// What stands around the sentences of a report and is no news: datelines, tickers, calls to click, captions, section
// labels, slugs of titles. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanscope::news {

/// Takes "LONDON, March 3 (Reuters) - ", "Washington, D.C.\u2014" or "(Rochester, NY) \u2013 " off the front.
void dropDateline(std::string& text);
/// "<ABC.N>" goes with the space before it; "<Some Company Ltd>" loses only the brackets.
void dropAngles(std::string& text);
/// " (EC)" goes; a bracket at the very start stays.
void dropParentheses(std::string& text);

/// A sentence that belongs to the page and not to the report ("The full text is available here."), or to a list:
/// labels, bullets that begin with a verb, several clauses with semicolons, text that was cut off.
bool isFurniture(std::string_view sentence);

/// Takes "ICYMI: ", "FACT SHEET: ", "(VIDEO) " and the like off the front of a title.
void dropTitleSlug(std::string& title);
/// A title that says what kind of page this is ("Weekly Newsletter", "Remarks at ..."), speaks to the reader, or was
/// cut off: nothing that a reader of the text alone would write above it.
bool isNoHeadline(std::string_view title);

}  // namespace spanscope::news
