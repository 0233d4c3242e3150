/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c: the graph as graphviz draws it. Colours are the page's, by classes, since it is read in the dark, too. */
#include <string.h>

#include "explain.h"

static adze_status
add (const explain_run *r, adze_bytes *text, const char *words)
{
  return adze_bytes_add (r->host, text, words, strlen (words));
}

static const char *
class_of (const explain_run *r, uint32_t node)
{
  return r->treatment[node] ? "treatment" : r->outcome[node] ? "outcome" : r->adjusted[node] ? "adjusted" : "other";
}

/* What is adjusted for stands in a box: colours alone tell nothing to those who do not see them. */
static adze_status
add_node (const explain_run *r, adze_bytes *text, uint32_t node)
{
  adze_status status = adze_drawing_name (r->host, text, explain_name (r, node));
  if (status == ADZE_OK)
    status = add (r, text, " [class=\"");
  if (status == ADZE_OK)
    status = add (r, text, class_of (r, node));
  if (status == ADZE_OK)
    status = add (r, text, r->adjusted[node] ? "\" shape=box];\n"
                           : r->treatment[node] || r->outcome[node] ? "\" penwidth=2];\n" : "\"];\n");
  return status;
}

static adze_status
add_edge (const explain_run *r, adze_bytes *text, const adze_dag_edge *edge)
{
  adze_status status = adze_drawing_name (r->host, text, explain_name (r, edge->from));
  if (status == ADZE_OK)
    status = add (r, text, " -> ");
  if (status == ADZE_OK)
    status = adze_drawing_name (r->host, text, explain_name (r, edge->to));
  if (status == ADZE_OK)
    status = add (r, text, edge->mark == ADZE_DAG_HIDDEN ? " [dir=both style=dashed class=\"hidden\"];\n" : ";\n");
  return status;
}

static adze_status
describe (const explain_run *r, adze_bytes *text)
{
  adze_status status = add (r, text, "digraph {\nrankdir=LR;\nbgcolor=\"transparent\";\nnode [fontname=\"sans-serif\"];\n");
  for (uint32_t n = 0; status == ADZE_OK && n < r->node_count; n++)
    status = add_node (r, text, n);
  for (size_t i = 0; status == ADZE_OK && i < r->dags->edges (r->dag); i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    status = add_edge (r, text, &edge);
  }
  return status == ADZE_OK ? adze_bytes_add (r->host, text, "}\n", sizeof "}\n") : status;
}

/* The edges, for those who do not see a picture, or have none. */
static adze_status
list_edges (const explain_run *r, adze_bytes *page)
{
  adze_status status = add (r, page, "<pre>");
  for (size_t i = 0; status == ADZE_OK && i < r->dags->edges (r->dag); i++) {
    const adze_dag_edge edge = r->dags->edge (r->dag, i);
    status = explain_escape (r->host, page, explain_name (r, edge.from));
    if (status == ADZE_OK)
      status = add (r, page, edge.mark == ADZE_DAG_HIDDEN ? " &lt;-&gt; " : " --&gt; ");
    if (status == ADZE_OK)
      status = explain_escape (r->host, page, explain_name (r, edge.to));
    if (status == ADZE_OK)
      status = add (r, page, "\n");
  }
  return status == ADZE_OK ? add (r, page, "</pre>\n") : status;
}

static const char *
why_not (const explain_run *r)
{
  return r->drawn == ADZE_TOO_LARGE ? "The graph is too large to be drawn." : "It is not drawn: graphviz is not installed here.";
}

adze_status
explain_draw (explain_run *r, adze_bytes *page)
{
  const adze_drawing_service *drawing = adze_drawing_of (r->host);
  adze_bytes text = { 0 };
  adze_status status = describe (r, &text);
  r->drawn = ADZE_NO_GRAPHVIZ;
  if (status == ADZE_OK)
    status = add (r, page, "<figure role=\"img\" aria-label=\"the graph; its edges are listed below\">\n");
  if (status == ADZE_OK && drawing)
    status = drawing->svg (r->host, text.data, page, &r->drawn);
  if (status == ADZE_OK && r->drawn != ADZE_DRAWN)
    status = add (r, page, why_not (r));
  if (status == ADZE_OK)
    status = add (r, page, "\n</figure>\n<details><summary>Its edges</summary>\n");
  if (status == ADZE_OK)
    status = list_edges (r, page);
  adze_bytes_release (r->host, &text);
  return status == ADZE_OK ? add (r, page, "</details>\n") : status;
}
