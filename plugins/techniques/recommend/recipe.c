/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.c: the mix as a pipeline: the codec that most bytes have is the stage's, and rules give the other
 * tensors theirs. */
#include "recommend.h"

#include <stdio.h>
#include <string.h>

static void
add (const recommend_run *r, adze_report *text, const char *words)
{
  adze_report_add (r->host, text, words, strlen (words));
}

/* ---- A codec. */

/* Where the object that TEXT begins with ends. */
static const char *
object_end (const char *text)
{
  uint32_t depth = 0;
  bool quoted = false;
  for (; *text; text++) {
    if (quoted && *text == '\\' && text[1])
      text++;
    else if (*text == '"')
      quoted = !quoted;
    else if (!quoted && *text == '{')
      depth++;
    else if (!quoted && *text == '}' && --depth == 0)
      return text;
  }
  return text;
}

/* The codec's parameters as its trait has them, behind `use`: JSON but for the colons, which TOML has no use
 * for. */
static void
add_params (const recommend_run *r, adze_report *text, const char *object)
{
  const char *end = object_end (object);
  bool quoted = false;
  if (strspn (object + 1, " \n") + 1 == (size_t)(end - object))
    return;
  add (r, text, ", ");
  for (const char *at = object + 1; at < end; at++) {
    if (quoted && *at == '\\') {
      adze_report_add (r->host, text, at++, 2);
      continue;
    }
    quoted = quoted != (*at == '"');
    if (!quoted && *at == ':')
      add (r, text, " =");
    else if (quoted || *at != '\n')
      adze_report_add (r->host, text, at, 1);
  }
}

static adze_status
add_codec (const recommend_run *r, adze_report *text, const recommend_tensor *tensor)
{
  static const char params[] = "\"params\":";
  adze_codec_use *use = r->candidates[recommend_chosen (tensor)->candidate];
  const char *trait = r->codecs->trait (r->host, use, r->run->tensor (r->host, r->model, tensor->index));
  if (!trait)
    return adze_fail (r->host, ADZE_E_INTERNAL, "the codec of '%s' does not say what it is", tensor->name);
  add (r, text, "codec = { use = ");
  adze_report_quote (r->host, text, r->codecs->id (use));
  const char *object = strstr (trait, params);
  object = object ? strchr (object, '{') : NULL;
  if (object)
    add_params (r, text, object);
  add (r, text, " }\n");
  return ADZE_OK;
}

/* ---- A rule. */

/* NAME as a glob that means it alone. */
static void
add_match (const recommend_run *r, adze_report *text, const char *name)
{
  adze_report glob = { .status = ADZE_OK };
  /* Else it would be a regular expression. */
  if (strncmp (name, "re:", 3) == 0)
    add (r, &glob, "\\");
  for (; *name; name++) {
    if (strchr ("*?[]{}\\", *name))
      add (r, &glob, "\\");
    adze_report_add (r->host, &glob, name, 1);
  }
  adze_report_add (r->host, &glob, "", 1);
  add (r, text, "\n  [[stage.rule]]\n  match = ");
  if (glob.status == ADZE_OK)
    adze_report_quote (r->host, text, (const char *)glob.text.data);
  else
    text->status = glob.status;
  add (r, text, "\n  ");
  adze_bytes_release (r->host, &glob.text);
}

/* The candidate that has most bytes of what goes in. */
static uint32_t
most_used (const recommend_run *r, size_t *tensor)
{
  uint32_t best = RECOMMEND_AS_IS;
  uint64_t most = 0;
  for (uint32_t c = 0; c < r->candidate_count; c++) {
    uint64_t bytes = 0;
    size_t one = 0;
    for (size_t i = 0; i < r->tensors.count; i++)
      if (recommend_chosen (recommend_tensor_at (r, i))->candidate == c) {
        bytes += recommend_tensor_at (r, i)->bytes;
        one = i;
      }
    if (bytes > most) {
      most = bytes;
      best = c;
      *tensor = one;
    }
  }
  return best;
}

static adze_status
add_rules (const recommend_run *r, adze_report *text, uint32_t usual)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->tensors.count; i++) {
    const recommend_tensor *tensor = recommend_tensor_at (r, i);
    uint32_t candidate = recommend_chosen (tensor)->candidate;
    if (candidate == usual)
      continue;
    add_match (r, text, tensor->name);
    if (candidate == RECOMMEND_AS_IS)
      add (r, text, "skip = true\n");
    else
      status = add_codec (r, text, tensor);
  }
  return status;
}

static adze_status
add_stage (const recommend_run *r, adze_report *text)
{
  size_t example = 0;
  uint32_t usual = most_used (r, &example);
  if (usual == RECOMMEND_AS_IS) {
    add (r, text, "\n# Every tensor stays as it is: the model is small, or true, enough.\n");
    return ADZE_OK;
  }
  add (r, text, "\n[[stage]]\nuse = \"quantize\"\n");
  adze_status status = add_codec (r, text, recommend_tensor_at (r, example));
  if (adze_param_bool (r->host, r->params, "vectors"))
    add (r, text, "vectors = true\n");
  return status == ADZE_OK ? add_rules (r, text, usual) : status;
}

/* A path, or what is to be put in its place. */
static void
add_path (const recommend_run *r, adze_report *text, const char *table, const char *param)
{
  const char *path = adze_param_string (r->host, r->params, param);
  add (r, text, table);
  add (r, text, path[0] ? "path = " : "# The parameter '");
  if (path[0]) {
    adze_report_quote (r->host, text, path);
    add (r, text, "\n");
    return;
  }
  add (r, text, param);
  add (r, text, "' of recommend would stand here.\npath = \"\"\n");
}

adze_status
recommend_give_recipe (recommend_run *r, double bytes, double sqnr)
{
  adze_report text = { .status = ADZE_OK };
  char numbers[160];
  add (r, &text, "# Written by recommend, out of the errors of all its candidates on all tensors:\n");
  snprintf (numbers, sizeof numbers, "# %.0f bytes of tensors, %.4g bits a number, signal to noise %.4g dB.\n",
            bytes, bytes * 8 / (double)r->all_elements, sqnr);
  add (r, &text, numbers);
  add (r, &text, "adze = 1\nname = \"recommended\"\n");
  add_path (r, &text, "\n[model]\n", "source");
  adze_status status = add_stage (r, &text);
  add_path (r, &text, "\n[[output]]\n", "target");
  if (status == ADZE_OK)
    status = text.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "recipe", text.text.data, text.text.size);
  adze_bytes_release (r->host, &text.text);
  return status;
}
