/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.c: a pipeline that builds the networks of the front, each a stage and an output of its own. */
#include <stdio.h>
#include <string.h>

#include "trained.h"

static void
add (const nas_run *n, adze_report *text, const char *words)
{
  adze_report_add (n->host, text, words, strlen (words));
}

static void
add_setting (const nas_run *n, adze_report *text, const char *name, const char *value)
{
  add (n, text, name);
  add (n, text, " = ");
  adze_report_quote (n->host, text, value);
  add (n, text, "\n");
}

/* How it was trained, to be put behind it with data. */
static void
add_training (const nas_trained *t, adze_report *text)
{
  const nas_run *n = t->n;
  const adze_host *host = n->host;
  int64_t final_epochs = adze_param_int (host, n->params, "final-epochs");
  char line[300];
  snprintf (line, sizeof line,
            "# To be trained as it was searched: use = \"train\", epochs = %lld, batch = %lld, optimiser = \"%s\", "
            "rate = %.17g, schedule = \"%s\", watch = \"accuracy\"\n",
            (long long)(final_epochs ? final_epochs : adze_param_int (host, n->params, "epochs")),
            (long long)adze_param_int (host, n->params, "batch"), adze_param_string (host, n->params, "optimiser"),
            adze_param_float (host, n->params, "rate"), adze_param_string (host, n->params, "schedule"));
  add (n, text, line);
}

static adze_status
add_point (const nas_trained *t, adze_report *text, size_t index)
{
  const nas_run *n = t->n;
  const nas_point *point = &n->evolved.points[n->front[index]];
  adze_bytes words = { 0 };
  char line[200];
  snprintf (line, sizeof line, "\n# accuracy %.6g in the search", point->worth);
  add (n, text, line);
  for (uint32_t c = 0; c < n->settings.costs; c++) {
    snprintf (line, sizeof line, ", %s %.10g", n->costs[c], point->costs[c]);
    add (n, text, line);
  }
  snprintf (line, sizeof line, "\n[[stage]]\nuse = \"build-model\"\nid = \"front-%zu\"\n", index + 1);
  add (n, text, line);
  add_setting (n, text, "input", t->declared.shape);
  if (strcmp (adze_param_string (n->host, n->params, "init"), "he-normal") != 0)
    add_setting (n, text, "init", adze_param_string (n->host, n->params, "init"));
  adze_status status = nas_declared_words (n->host, &t->declared, point->genes, "  \"", "\",\n", "", &words);
  add (n, text, "layers = [\n");
  adze_report_add (n->host, text, words.data, words.size);
  adze_bytes_release (n->host, &words);
  add (n, text, "]\n");
  snprintf (line, sizeof line, "\n[[output]]\npath = \"front-%zu.onnx\"\nfrom = \"front-%zu.model\"\n", index + 1,
            index + 1);
  add (n, text, line);
  return status == ADZE_OK ? text->status : status;
}

adze_status
nas_give_recipe (nas_trained *t)
{
  const nas_run *n = t->n;
  adze_report text = { .status = ADZE_OK };
  add (n, &text, "# Written by nas-evolve: the networks that none of those it looked at is better than in everything.\n");
  add_training (t, &text);
  add (n, &text, "adze = 1\nname = \"front\"\n");
  adze_status status = text.status;
  for (size_t i = 0; status == ADZE_OK && i < n->front_count; i++)
    status = add_point (t, &text, i);
  if (status == ADZE_OK)
    status = n->run->give_bytes (n->host, n->context, "recipe", text.text.data, text.text.size);
  adze_bytes_release (n->host, &text.text);
  return status;
}
