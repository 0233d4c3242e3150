/* SPDX-License-Identifier: Apache-2.0 */
/* page.c: one page in plain words. It has no script and needs nothing from outside. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"

static const char style[]
    = "<style>\n"
      ":root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --line: #bbb; --set: #0b57d0; --on: #b3261e;\n"
      "  --adjust: #1b6e3c; }\n"
      "@media (prefers-color-scheme: dark) { :root { --paper: #161616; --ink: #e6e6e6; --line: #555; --set: #8ab4f8;\n"
      "  --on: #f2b8b5; --adjust: #7fd6a1; } }\n"
      "body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem;\n"
      "  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }\n"
      "table { border-collapse: collapse; width: 100%; } th, td { border-bottom: 1px solid var(--line); padding: .3rem;\n"
      "  text-align: left; vertical-align: top; }\n"
      "code, pre { font-family: ui-monospace, monospace; overflow-x: auto; } figure { margin: 1rem 0; overflow-x: auto; }\n"
      "svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); }\n"
      "svg .node > *:not(title):not(text), svg .edge path { stroke: var(--ink); } svg .edge polygon { stroke: var(--ink);\n"
      "  fill: var(--ink); }\n"
      "svg .treatment > *:not(title):not(text) { stroke: var(--set); } svg .outcome > *:not(title):not(text) { stroke:\n"
      "  var(--on); } svg .adjusted > *:not(title):not(text) { stroke: var(--adjust); }\n"
      "</style>\n";

/* ---- Text. */

static adze_status
add (const adze_host *host, adze_bytes *page, const char *text)
{
  return adze_bytes_add (host, page, text, strlen (text));
}

adze_status
explain_escape (const adze_host *host, adze_bytes *page, const char *text)
{
  adze_status status = ADZE_OK;
  for (; status == ADZE_OK && *text; text++)
    switch (*text) {
    case '<':
      status = add (host, page, "&lt;");
      break;
    case '>':
      status = add (host, page, "&gt;");
      break;
    case '&':
      status = add (host, page, "&amp;");
      break;
    case '"':
      status = add (host, page, "&quot;");
      break;
    default:
      status = adze_bytes_add (host, page, text, 1);
    }
  return status;
}

/* FORMAT is of the page; each %s in it is a text, which is escaped. */
static adze_status
say (const adze_host *host, adze_bytes *page, const char *format, ...)
{
  va_list texts;
  adze_status status = ADZE_OK;
  va_start (texts, format);
  while (status == ADZE_OK && *format) {
    const char *next = strstr (format, "%s");
    size_t size = next ? (size_t)(next - format) : strlen (format);
    status = adze_bytes_add (host, page, format, size);
    if (status == ADZE_OK && next)
      status = explain_escape (host, page, va_arg (texts, const char *));
    format += next ? size + 2 : size;
  }
  va_end (texts);
  return status;
}

static const char *
number_text (double number, char text[32])
{
  snprintf (text, 32, "%.4g", number);
  return text;
}

/* "A, B and C", or NOTHING. */
static adze_status
say_names (const explain_run *r, adze_bytes *page, const explain_set set, const char *nothing)
{
  uint32_t count = 0, told = 0;
  adze_status status = ADZE_OK;
  for (uint32_t n = 0; n < r->node_count; n++)
    count += set[n];
  for (uint32_t n = 0; status == ADZE_OK && n < r->node_count; n++) {
    if (!set[n])
      continue;
    told++;
    status = say (r->host, page, "%s<b>%s</b>", told == 1 ? "" : told == count ? " and " : ", ", explain_name (r, n));
  }
  return status == ADZE_OK && count == 0 ? add (r->host, page, nothing) : status;
}

static const adze_json_at *
of (const explain_run *r, const adze_json_at *at, const char *key)
{
  return r->jsons->get (at, key);
}

static const char *
text_of (const explain_run *r, const adze_json_at *at, const char *key)
{
  return r->jsons->text (of (r, at, key));
}

/* ---- Paths. */

adze_status
explain_write_path (const explain_run *r, const explain_path *path, adze_bytes *text)
{
  static const char *const steps[] = { " --> ", " <-- ", " <-> " };
  adze_status status = add (r->host, text, explain_name (r, path->nodes[0]));
  for (uint32_t i = 1; status == ADZE_OK && i < path->count; i++) {
    status = add (r->host, text, steps[path->steps[i - 1]]);
    if (status == ADZE_OK)
      status = add (r->host, text, explain_name (r, path->nodes[i]));
  }
  return status;
}

static adze_status
say_state (const explain_run *r, adze_bytes *page, const explain_path *path)
{
  if (path->open)
    return add (r->host, page, path->causes ? "open: this is what is asked about" : "open");
  return path->blocker_is_given
             ? say (r->host, page, "blocked: %s is adjusted for", explain_name (r, path->blocker))
             : say (r->host, page, "blocked: arrows meet at %s, and nothing is adjusted for that would open it",
                    explain_name (r, path->blocker));
}

static adze_status
say_path (const explain_run *r, adze_bytes *page, const explain_path *path)
{
  adze_bytes text = { 0 };
  adze_status status = explain_write_path (r, path, &text);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &text, "", 1);
  if (status == ADZE_OK)
    status = say (r->host, page, "<tr><td><code>%s</code></td><td>%s</td><td>%s</td><td>", text.data,
                  path->causes ? "effect" : "no effect", path->open_alone ? "open" : "blocked");
  if (status == ADZE_OK)
    status = say_state (r, page, path);
  adze_bytes_release (r->host, &text);
  return status == ADZE_OK ? add (r->host, page, "</td></tr>\n") : status;
}

static adze_status
say_paths (const explain_run *r, adze_bytes *page)
{
  adze_status status = add (r->host, page,
                            "<h2>The paths</h2>\n<p>What treatment and outcome have to do with each other flows along "
                            "paths. Along arrows that lead all the way it is the effect; along open paths of any other "
                            "kind both move together, and the one does nothing to the other.</p>\n<table>\n<tr><th>path"
                            "</th><th>carries</th><th>by itself</th><th>now</th></tr>\n");
  for (uint32_t i = 0; status == ADZE_OK && i < r->path_count; i++)
    status = say_path (r, page, &r->paths[i]);
  if (status == ADZE_OK)
    status = add (r->host, page, "</table>\n");
  if (status == ADZE_OK && r->path_count == 0)
    status = add (r->host, page, "<p>There is none: they have nothing to do with each other.</p>\n");
  return status == ADZE_OK && r->more_paths
             ? add (r->host, page, "<p>There are more; the shortest ones are shown.</p>\n") : status;
}

/* ---- The question and its answer. */

static adze_status
say_question (explain_run *r, adze_bytes *page)
{
  const char *question = text_of (r, r->identified, "question");
  adze_status status = say (r->host, page,
                            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                            "content=\"width=device-width\">\n<title>%s</title>\n", question);
  if (status == ADZE_OK)
    status = add (r->host, page, style);
  if (status == ADZE_OK)
    status = add (r->host, page, "<body>\n<h1>What does setting ");
  if (status == ADZE_OK)
    status = say_names (r, page, r->treatment, "nothing");
  if (status == ADZE_OK)
    status = add (r->host, page, " do to ");
  if (status == ADZE_OK)
    status = say_names (r, page, r->outcome, "nothing");
  if (status == ADZE_OK)
    status = say (r->host, page, "?</h1>\n<p>As a formula: <code>%s</code>.</p>\n<h2>The graph</h2>\n", question);
  return status == ADZE_OK ? explain_draw (r, page) : status;
}

static adze_status
say_adjusted (const explain_run *r, adze_bytes *page)
{
  const char *why = text_of (r, r->estimated, "why-enough");
  adze_status status = add (r->host, page, "<h2>What is adjusted for</h2>\n<p>");
  if (!r->adjusts)
    return status == ADZE_OK ? add (r->host, page, "Nothing: the formula goes another way.</p>\n") : status;
  if (status == ADZE_OK)
    status = say_names (r, page, r->adjusted, "Nothing");
  if (status == ADZE_OK)
    status = add (r->host, page,
                  ". It is enough: of all paths but those of the effect, which begin with an arrow out of the treatment, "
                  "none is open then, and nothing of it is an effect of the treatment itself.");
  if (status == ADZE_OK && *why)
    status = say (r->host, page, " The estimate says: %s.", why);
  return status == ADZE_OK ? add (r->host, page, "</p>\n") : status;
}

static adze_status
say_estimand (const explain_run *r, adze_bytes *page)
{
  return say (r->host, page,
              r->jsons->truth (of (r, r->identified, "identifiable"))
                  ? "<h2>How it can be computed</h2>\n<p><code>%s</code></p>\n<p>%s</p>\n"
                  : "<h2>It cannot be computed</h2>\n<p><code>%s</code></p>\n<p>%s</p>\n",
              text_of (r, r->identified, "formula"), text_of (r, r->identified, "sentence"));
}

static adze_status
say_estimate (const explain_run *r, adze_bytes *page)
{
  char effect[32], low[32], high[32], level[32];
  const adze_json_at *e = r->estimated;
  if (!e)
    return add (r->host, page, "<h2>How large it is</h2>\n<p>Nothing was estimated.</p>\n");
  number_text (r->jsons->number (of (r, e, "effect")), effect);
  adze_status status = say (r->host, page, "<h2>How large it is</h2>\n<p><b>%s</b>: %s", effect, text_of (r, e, "effect-of"));
  if (status == ADZE_OK && of (r, e, "lower"))
    status = say (r->host, page, ". Between %s and %s with a confidence of %s, by drawing the rows anew",
                  number_text (r->jsons->number (of (r, e, "lower")), low),
                  number_text (r->jsons->number (of (r, e, "upper")), high),
                  number_text (r->jsons->number (of (r, e, "level")), level));
  return status == ADZE_OK ? say (r->host, page, ". Method: %s.</p>\n", text_of (r, e, "method")) : status;
}

/* ---- Refuters and doubts. */

static adze_status
say_refuter (const explain_run *r, adze_bytes *page, const adze_json_at *one)
{
  const char *not_done = text_of (r, one, "not-done");
  const bool holds = r->jsons->truth (of (r, one, "holds"));
  return say (r->host, page, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", text_of (r, one, "refuter"),
              *not_done ? "not done" : holds ? "holds" : "does not hold", *not_done ? not_done : text_of (r, one, "in-words"));
}

static adze_status
say_refuters (const explain_run *r, adze_bytes *page)
{
  const adze_json_at *list = of (r, r->estimated, "refuters");
  adze_status status = add (r->host, page, "<h2>Attempts to refute it</h2>\n");
  if (status == ADZE_OK && r->jsons->count (list) == 0)
    return add (r->host, page, "<p>None was made.</p>\n");
  if (status == ADZE_OK)
    status = add (r->host, page, "<table>\n<tr><th>attempt</th><th>the conclusion</th><th>what was seen</th></tr>\n");
  for (size_t i = 0; status == ADZE_OK && i < r->jsons->count (list); i++)
    status = say_refuter (r, page, r->jsons->entry (list, i));
  return status == ADZE_OK ? add (r->host, page, "</table>\n<p>To hold proves nothing; not to hold says that something is "
                                                 "wrong.</p>\n") : status;
}

static adze_status
say_pairs (const explain_run *r, adze_bytes *page)
{
  adze_status status = ADZE_OK;
  if (!r->adjusts)
    return add (r->host, page,
                "<li>A cause that the graph does not have. Each pair of nodes that no dashed line joins is taken to have no "
                "hidden cause in common, and each missing arrow to say that there is no direct effect.</li>\n");
  if (r->pair_count > 0)
    status = add (r->host, page, "<li>A hidden cause in common of ");
  for (uint32_t i = 0; status == ADZE_OK && i < r->pair_count; i++)
    status = say (r->host, page, "%s<b>%s</b> and <b>%s</b>", i == 0 ? "" : ", or of ", explain_name (r, r->pairs[i].one),
                  explain_name (r, r->pairs[i].other));
  if (status == ADZE_OK && r->pair_count > 0)
    status = add (r->host, page, r->more_pairs ? ", or of others" : "");
  return status == ADZE_OK && r->pair_count > 0
             ? add (r->host, page, ": what is adjusted for would not be enough then.</li>\n") : status;
}

static adze_status
say_size (const explain_run *r, adze_bytes *page)
{
  char text[32], least[32];
  const adze_json_at *low = of (r, r->estimated, "lower"), *high = of (r, r->estimated, "upper");
  const double effect = r->jsons->number (of (r, r->estimated, "effect"));
  const double lower = r->jsons->number (low), upper = r->jsons->number (high);
  if (!r->estimated || !isfinite (effect))
    return ADZE_OK;
  if (low && lower <= 0 && upper >= 0)
    return add (r->host, page, "<li>Nothing need change: the interval has zero in it, so that these data do not tell "
                               "whether there is an effect.</li>\n");
  const double nearest = low ? (fabs (lower) < fabs (upper) ? lower : upper) : effect;
  return say (r->host, page,
              "<li>A hidden cause that moves the outcome by so much, and is so much more frequent among the treated, that "
              "the product of both is %s (or %s, to make zero possible).</li>\n",
              number_text (fabs (effect), text), number_text (fabs (nearest), least));
}

static adze_status
say_doubts (const explain_run *r, adze_bytes *page)
{
  adze_status status = add (r->host, page, "<h2>What would change the conclusion</h2>\n<ul>\n");
  if (status == ADZE_OK)
    status = say_pairs (r, page);
  if (status == ADZE_OK)
    status = say_size (r, page);
  return status == ADZE_OK
             ? add (r->host, page, "<li>An arrow that is missing, or points the other way: all of this is as true as the "
                                   "graph is.</li>\n</ul>\n</body>\n</html>\n")
             : status;
}

adze_status
explain_give_page (explain_run *r)
{
  adze_bytes page = { 0 };
  adze_status status = say_question (r, &page);
  if (status == ADZE_OK)
    status = say_paths (r, &page);
  if (status == ADZE_OK)
    status = say_adjusted (r, &page);
  if (status == ADZE_OK)
    status = say_estimand (r, &page);
  if (status == ADZE_OK)
    status = say_estimate (r, &page);
  if (status == ADZE_OK)
    status = say_refuters (r, &page);
  if (status == ADZE_OK)
    status = say_doubts (r, &page);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "page", page.data, page.size);
  adze_bytes_release (r->host, &page);
  return status;
}
