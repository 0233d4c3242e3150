/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/set.c: "stage.qat.epochs=1": what the command line puts in the place of what the file says.
 *
 * The tree is changed before anything of it is looked at, so that a value is checked the same whoever
 * gave it. A value keeps the document it came from, which is the setting itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/toml.h"
#include "pipeline/reader.h"

/* More parts than any place in a pipeline has. */
#define PARTS_MAX 12

typedef struct setting {
  adze_reader *reader;
  adze_document *document; /* its text is the setting */
  const char *parts[PARTS_MAX];
  uint32_t columns[PARTS_MAX];
  size_t count;
  uint32_t value_column;
} setting;

/* ---- Complaints. */

ADZE_PRINTF (3, 4)
static void
complain (const setting *s, uint32_t column, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  adze_value at = { .line = 1, .column = column };
  adze_complain (s->reader,
                 text ? adze_document_error (s->document, &at, "%s", text) : adze_error_memory ());
}

/* There is no WHAT called by part number INDEX. */
static void
complain_of_name (const setting *s, size_t index, const char *what, const char *const *names,
                  size_t count)
{
  const char *name = s->parts[index];
  const char *meant = adze_nearest (name, names, count);
  ADZE_AUTO (adze_buffer) all = { 0 };
  for (size_t i = 0; i < count; i++)
    adze_buffer_format (&all, "%s%s", i > 0 ? ", " : "", names[i]);
  if (meant)
    complain (s, s->columns[index], "there is no %s '%s'; did you mean '%s'?", what, name, meant);
  else
    complain (s, s->columns[index], "there is no %s '%s'; there is: %s", what, name,
              all.data ? all.data : "none at all");
}

/* ---- The tree, which is the pipeline's own and may be changed. */

static adze_value *
get (adze_value *table, const char *key)
{
  for (size_t i = 0; table->type == ADZE_VALUE_TABLE && i < table->count; i++)
    if (strcmp (table->items[i]->key, key) == 0)
      return table->items[i];
  return NULL;
}

/* All of VALUE lies in DOCUMENT, COLUMNS further to the right than it says. */
static void
move_to (adze_value *value, const adze_document *document, uint32_t columns)
{
  value->origin = document;
  value->column += value->column > 0 ? columns : 0;
  value->key_column += value->key_column > 0 ? columns : 0;
  for (size_t i = 0; i < value->count; i++)
    move_to (value->items[i], document, columns);
}

/* A table that was not there, under part number INDEX; NULL without memory. */
static adze_value *
add_table (const setting *s, adze_value *into, const char *key, size_t index)
{
  adze_value *table = adze_value_new (ADZE_VALUE_TABLE);
  if (table) {
    table->origin = s->document;
    table->line = table->key_line = 1;
    table->column = table->key_column = s->columns[index];
  }
  adze_error *error = adze_value_append (into, key, table);
  if (!error)
    return table;
  adze_complain (s->reader, error);
  return NULL;
}

/* TOML where it is some, and plain text otherwise: quotes are hard to get past a shell. */
static adze_error *
read_value (const setting *s, const char *text, adze_value **value)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_FREE char *line = adze_text_format ("v=%s\n", text);
  if (!line)
    return adze_error_memory ();
  ADZE_AUTO_ERROR no_toml = adze_toml_parse ("<value>", line, strlen (line), &document);
  if (no_toml && adze_error_status (no_toml) == ADZE_E_MEMORY)
    return adze_take (&no_toml);
  bool toml
      = !no_toml && document.root->count == 1 && document.root->items[0]->type != ADZE_VALUE_DATE;
  ADZE_AUTO_VALUE made = NULL;
  if (toml) {
    made = adze_take (&document.root->items[0]);
    document.root->count = 0;
    move_to (made, s->document, s->value_column - 3);
  } else {
    made = adze_value_new (ADZE_VALUE_STRING);
    if (!made || !adze_value_set_text (made, text, strlen (text)))
      return adze_error_memory ();
    made->origin = s->document;
  }
  made->line = made->key_line = 1;
  made->column = s->value_column;
  made->key_column = s->columns[s->count - 1];
  *value = adze_take (&made);
  return NULL;
}

/* Puts VALUE (taken over) under KEY of TABLE, in the place of what is there. */
static void
put (const setting *s, adze_value *table, const char *key, adze_value *value)
{
  ADZE_AUTO_VALUE owned = value;
  for (size_t i = 0; i < table->count; i++) {
    adze_value *old = table->items[i];
    if (strcmp (old->key, key) != 0)
      continue;
    free (value->key);
    value->key = adze_take (&old->key);
    value->key_size = old->key_size;
    table->items[i] = adze_take (&owned);
    adze_value_free (old);
    return;
  }
  adze_complain (s->reader, adze_value_append (table, key, adze_take (&owned)));
}

/* ---- Where is it? Each leaves *INDEX at the part that comes next. */

/* One of LIST by its number, counted from 0. */
static adze_value *
item_by_number (const setting *s, adze_value *list, size_t *index, const char *what)
{
  size_t count = list && list->type == ADZE_VALUE_LIST ? list->count : 0;
  char *end = NULL;
  const char *text = *index < s->count ? s->parts[*index] : "";
  unsigned long number = strtoul (text, &end, 10);
  if (text[0] >= '0' && text[0] <= '9' && !*end && number < count) {
    ++*index;
    return list->items[number];
  }
  if (count > 0)
    complain (s, s->columns[*index < s->count ? *index : s->count - 1],
              "there is no such %s: they are counted from 0, and the last one is number %zu", what,
              count - 1);
  else
    complain (s, s->columns[0], "there is no %s at all", what);
  return NULL;
}

static const char *
id_of (adze_value *stage)
{
  adze_value *id = get (stage, "id");
  adze_value *named = id ? id : get (stage, "use");
  return named && named->type == ADZE_VALUE_STRING ? named->string : NULL;
}

static adze_value *
stage_by_id (const setting *s, size_t *index)
{
  adze_value *stages = get (s->reader->pipeline->document.root, "stage");
  size_t count = stages && stages->type == ADZE_VALUE_LIST ? stages->count : 0;
  ADZE_AUTO_FREE const char **ids = calloc (count + 1, sizeof *ids);
  size_t known = 0;
  for (size_t i = 0; ids && i < count; i++) {
    const char *id = id_of (stages->items[i]);
    if (id && strcmp (id, s->parts[*index]) == 0) {
      ++*index;
      return stages->items[i];
    }
    if (id)
      ids[known++] = id;
  }
  if (ids)
    complain_of_name (s, *index, "stage", ids, known);
  else
    adze_complain (s->reader, adze_error_memory ());
  return NULL;
}

/* [data.NAME] or [input.NAME] */
static adze_value *
table_by_name (const setting *s, const char *group, size_t *index)
{
  adze_value *tables = get (s->reader->pipeline->document.root, group);
  adze_value *found = tables ? get (tables, s->parts[*index]) : NULL;
  if (found) {
    ++*index;
    return found;
  }
  size_t count = tables && tables->type == ADZE_VALUE_TABLE ? tables->count : 0;
  ADZE_AUTO_FREE const char **names = calloc (count + 1, sizeof *names);
  for (size_t i = 0; names && i < count; i++)
    names[i] = tables->items[i]->key;
  if (names)
    complain_of_name (s, *index, group, names, count);
  else
    adze_complain (s->reader, adze_error_memory ());
  return NULL;
}

/* [model], or [input.model], which is the same; one that is not there is made, so that a pipeline may
 * leave it to the command line. */
static adze_value *
model_table (const setting *s)
{
  adze_value *root = s->reader->pipeline->document.root;
  adze_value *inputs = get (root, "input");
  adze_value *model = get (root, "model");
  if (!model && inputs)
    model = get (inputs, "model");
  return model ? model : add_table (s, root, "model", 0);
}

static adze_value *
find_stage_table (const setting *s, size_t *index)
{
  adze_value *stage = stage_by_id (s, index);
  if (!stage || *index >= s->count || strcmp (s->parts[*index], "rule") != 0)
    return stage;
  ++*index;
  return item_by_number (s, get (stage, "rule"), index, "rule");
}

/* The table that the setting is about. */
static adze_value *
find_table (const setting *s, size_t *index)
{
  adze_value *root = s->reader->pipeline->document.root;
  const char *first = s->parts[0];
  if (s->count == 1)
    return root;
  *index = 1;
  if (strcmp (first, "stage") == 0)
    return find_stage_table (s, index);
  if (strcmp (first, "data") == 0)
    return table_by_name (s, "data", index);
  if (strcmp (first, "input") == 0 && strcmp (s->parts[1], "model") != 0)
    return table_by_name (s, "input", index);
  if (strcmp (first, "input") == 0)
    ++*index;
  if (strcmp (first, "model") == 0 || strcmp (first, "input") == 0)
    return model_table (s);
  if (strcmp (first, "output") == 0 || strcmp (first, "observer") == 0)
    return item_by_number (s, get (root, first), index, first);
  if (strcmp (first, "run") == 0) {
    adze_value *run = get (root, "run");
    return run ? run : add_table (s, root, "run", 0);
  }
  static const char *const known[]
      = { "stage", "data", "input", "model", "output", "observer", "run" };
  const char *meant = adze_nearest (first, known, ADZE_COUNT_OF (known));
  if (meant)
    complain (s, s->columns[0], "nothing is set by '%s'; did you mean '%s'?", first, meant);
  else
    complain (
        s, s->columns[0],
        "nothing is set by '%s': a setting begins with stage.ID, data.NAME, input.NAME, model, "
        "output.NUMBER, observer.NUMBER or run, or it is name or seed",
        first);
  return NULL;
}

/* A step further into TABLE: a component's parameters, the limits of isolate. "int8" becomes
 * { use = "int8" } where more is said of it. */
static adze_value *
enter (const setting *s, adze_value *table, size_t index)
{
  const char *key = s->parts[index];
  adze_value *inner = get (table, key);
  if (!inner)
    return add_table (s, table, key, index);
  if (inner->type == ADZE_VALUE_TABLE)
    return inner;
  if (inner->type != ADZE_VALUE_STRING) {
    complain (s, s->columns[index + 1], "'%s' is %s, which has nothing in it that could be set",
              key, adze_value_type_name (inner->type));
    return NULL;
  }
  ADZE_AUTO_VALUE use = adze_value_copy (inner);
  ADZE_AUTO_VALUE made = adze_value_new (ADZE_VALUE_TABLE);
  if (!use || !made) {
    adze_complain (s->reader, adze_error_memory ());
    return NULL;
  }
  made->line = inner->line;
  made->column = inner->column;
  made->key_line = inner->key_line;
  made->key_column = inner->key_column;
  made->origin = inner->origin;
  adze_complain (s->reader, adze_value_append (made, "use", adze_take (&use)));
  put (s, table, key, adze_take (&made));
  return get (table, key);
}

/* ---- One setting. */

/* The keys whose values are one thing, and not made of others. */
static bool
is_whole (const setting *s)
{
  return s->count == 1
         && (strcmp (s->parts[0], "name") == 0 || strcmp (s->parts[0], "seed") == 0
             || strcmp (s->parts[0], "adze") == 0);
}

static void
apply (const setting *s, const char *text)
{
  size_t index = 0;
  adze_value *table = is_whole (s) || s->count > 1 ? find_table (s, &index) : NULL;
  if (s->count == 1 && !table) {
    complain (s, 1,
              "'%s' is more than one value; go on with a dot and what of it is set, as in "
              "stage.ID.KEY=VALUE",
              s->parts[0]);
    return;
  }
  if (table && index >= s->count) {
    bool stage = strcmp (s->parts[0], "stage") == 0 && s->count == 2;
    complain (s, s->columns[s->count - 1], "'%s' is %s; name one of its keys: %.*s.KEY=VALUE",
              s->parts[s->count - 1], stage ? "a whole stage" : "a whole table",
              (int)strcspn (s->document->text, "= \t"), s->document->text);
    return;
  }
  if (table && table->type != ADZE_VALUE_TABLE) {
    complain (s, s->columns[index - 1], "what the file has there is no table");
    return;
  }
  for (; table && index + 1 < s->count; index++)
    table = enter (s, table, index);
  ADZE_AUTO_VALUE value = NULL;
  if (!table)
    return;
  adze_error *error = read_value (s, text, &value);
  if (error)
    adze_complain (s->reader, error);
  else
    put (s, table, s->parts[index], adze_take (&value));
}

/* A document of its own, which the pipeline keeps: "<--set stage.qat.epochs>". */
static adze_document *
add_document (adze_reader *reader, const char *text, size_t name_size)
{
  adze_pipeline *pipeline = reader->pipeline;
  adze_document **grown
      = realloc (pipeline->set_documents, (pipeline->set_count + 1) * sizeof (adze_document *));
  if (!grown)
    return NULL;
  pipeline->set_documents = grown;
  adze_document *document = calloc (1, sizeof *document);
  if (!document)
    return NULL;
  grown[pipeline->set_count++] = document;
  document->path = adze_text_format ("<--set %.*s>", name_size < 100 ? (int)name_size : 100, text);
  document->text = strdup (text);
  return document->path && document->text ? document : NULL;
}

/* "a.b.c" in parts, in place; false: complained of. */
static bool
split (setting *s, char *name)
{
  uint32_t column = 1;
  for (char *part = name; part;) {
    char *dot = strchr (part, '.');
    if (s->count == PARTS_MAX) {
      complain (s, column, "this has more parts than any place in a pipeline");
      return false;
    }
    size_t length = dot ? (size_t)(dot - part) : strlen (part);
    if (length == 0) {
      complain (s, column, "a name is missing here; a setting reads stage.ID.KEY=VALUE");
      return false;
    }
    s->parts[s->count] = part;
    s->columns[s->count++] = column;
    column += (uint32_t)length + 1;
    if (dot)
      *dot = '\0';
    part = dot ? dot + 1 : NULL;
  }
  return true;
}

static void
apply_setting (adze_reader *reader, const char *text)
{
  const char *equals = strchr (text, '=');
  size_t size = equals ? (size_t)(equals - text) : strlen (text);
  size_t trimmed = size;
  while (trimmed > 0 && strchr (" \t", text[trimmed - 1]))
    trimmed--;
  adze_document *document = add_document (reader, text, trimmed);
  ADZE_AUTO_FREE char *name = strndup (text, trimmed);
  if (!document || !name) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  setting s = { .reader = reader, .document = document };
  const char *value = equals ? equals + 1 + strspn (equals + 1, " \t") : "";
  if (!equals || !*value) {
    bool named = trimmed > 0 && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == trimmed;
    if (named)
      complain (&s, (uint32_t)trimmed + 1, "the value is missing: %s=VALUE", name);
    else
      complain (&s, 1, "this is no setting: one reads stage.ID.KEY=VALUE");
    return;
  }
  s.value_column = (uint32_t)(value - text) + 1;
  if (split (&s, name))
    apply (&s, value);
}

void
adze_apply_settings (adze_reader *reader, const char *const *settings)
{
  for (size_t i = 0; settings && settings[i]; i++)
    apply_setting (reader, settings[i]);
}
