/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params_bind.c: what a person wrote becomes the values of an instance, or a list of all
 * that is wrong with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "plugin/manifest/params_words.h"

/* Components inside components, each of which might be its own default. */
#define DEPTH_MAX 16

/* More mistakes than anybody mends in one go. */
#define COMPLAINTS_MAX 32

/* A listener is told of all of them, and it cuts and counts; but it needs no place of more than it
 * shows, which is as many as a pipeline's reader does. */
#define PLACED_MAX 100

/* ---- Complaints. */

typedef struct binder {
  const adze_document *document; /* NULL: nothing was written */
  const char *folder;
  bool looking; /* files to be written have been, or never will be */
  adze_params_find find;
  void *find_context;
  const char *owner;             /* who has the table, and which keys are its own */
  const char *const *own;
  bool partial; /* but for components inside, whose presets are their own */
  /* While a preset is bound, what is wrong with it has no place of its own but this. */
  bool in_preset;
  const adze_value *preset_at;
  /* Where complaints go; NULL: to what is below. */
  void (*listener) (void *context, adze_error *error);
  void *listener_context;
  adze_buffer lines;
  size_t count;
  adze_error *first;
  bool no_memory;
} binder;

static void
cleanup_binder (binder *b)
{
  adze_buffer_cleanup (&b->lines);
  adze_error_free (b->first);
}

/* ERROR is taken over. */
static void
complain (binder *b, adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  if (adze_error_status (error) == ADZE_E_MEMORY) {
    b->no_memory = true;
    return;
  }
  b->count++;
  if (b->listener) {
    b->listener (b->listener_context, adze_take (&owned));
    return;
  }
  if (b->count > COMPLAINTS_MAX)
    return;
  adze_buffer_format (&b->lines, "%s%s", b->count > 1 ? "\n" : "", adze_error_message (error));
  if (!b->first)
    b->first = adze_take (&owned);
}

/* Those that TO has itself say more of where it is. */
static void
copy_facts (adze_error *to, const adze_error *from)
{
  const char *name, *value;
  for (; from; from = adze_error_cause (from))
    for (size_t i = 0; adze_error_fact_at (from, i, &name, &value); i++)
      if (!adze_error_fact (to, name))
        adze_error_set (to, name, value);
}

/* The same for one that knows no place: it lies at AT, or at the key in front of it. */
static void
complain_at (binder *b, const adze_value *at, bool at_key, adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  size_t most = b->listener ? PLACED_MAX : COMPLAINTS_MAX;
  /* Whatever makes a million mistakes is no person, and finding a million lines takes long. */
  if (adze_error_status (error) == ADZE_E_MEMORY || b->count >= most) {
    complain (b, adze_take (&owned));
    return;
  }
  const char *text = adze_error_message (error);
  const char *more = b->in_preset ? " (this is its default)" : "";
  const adze_value *place = b->in_preset ? b->preset_at : at;
  adze_error *placed
      = !b->document ? adze_error_new (ADZE_E_PARAM, "%s%s", text, more)
        : at_key     ? adze_document_key_error (b->document, place, "%s%s", text, more)
                     : adze_document_error (b->document, place, "%s%s", text, more);
  copy_facts (placed, error);
  complain (b, placed);
}

/* One complaint stands for itself; of several, each gets a line, and the first gives the facts. */
static adze_error *
sum_up (const binder *b, const adze_manifest_component *component)
{
  if (b->no_memory || b->lines.failed)
    return adze_error_memory ();
  if (b->count == 0)
    return NULL;
  adze_error *error
      = b->count == 1
            ? adze_error_new (ADZE_E_PARAM, "%s", b->lines.data)
            : adze_error_new (ADZE_E_PARAM, "%zu mistakes in the parameters of '%s':\n%s%s",
                              b->count, component->id, b->lines.data,
                              b->count > COMPLAINTS_MAX ? "\nand so on" : "");
  copy_facts (error, b->first);
  return error;
}

/* ---- Values. */

void
adze_params_free (adze_params *params)
{
  if (!params)
    return;
  for (size_t i = 0; i < params->count; i++) {
    free (params->values[i].name);
    free (params->values[i].string);
    adze_params_free (params->values[i].nested);
  }
  free (params->values);
  free (params);
}

static adze_params *
new_params (size_t capacity)
{
  ADZE_AUTO_PARAMS params = calloc (1, sizeof *params);
  if (!params)
    return NULL;
  params->values = calloc (capacity > 0 ? capacity : 1, sizeof *params->values);
  return params->values ? adze_take (&params) : NULL;
}

/* The next value, whose name is a copy of NAME; NULL without memory. */
static struct adze_param_value *
next_value (adze_params *params, const char *name, uint32_t type)
{
  struct adze_param_value *value = &params->values[params->count];
  value->name = strdup (name);
  if (!value->name)
    return NULL;
  value->type = type;
  params->count++;
  return value;
}

static void bind_table (binder *b, const adze_manifest_component *component,
                        const adze_value *table, const adze_value *place,
                        const char *const *ignore, size_t depth, adze_params **params);

static void
set_text (binder *b, struct adze_param_value *into, const char *text)
{
  into->string = strdup (text);
  if (!into->string)
    b->no_memory = true;
}

static adze_error *
about_param (const adze_param *param, adze_error *why)
{
  ADZE_AUTO_ERROR owned = why;
  if (adze_error_status (why) == ADZE_E_MEMORY)
    return adze_take (&owned);
  adze_error *error = adze_error_new (ADZE_E_PARAM, "parameter '%s': %s", param->name,
                                      adze_error_message (why));
  copy_facts (error, why);
  return error;
}

/* A --set that says more of a component which nobody has named: the text up to the parameter, "--set
 * stage.trim.after", is how to name it. */
static adze_error *
no_component (const adze_param *param, const adze_value *value)
{
  const adze_document *setting = value->origin;
  size_t size = value->key_column > 0 ? value->key_column - 1 + strlen (param->name) : 0;
  bool set = setting && setting->text && strncmp (setting->path, "<--set ", 7) == 0
             && size > 0 && strlen (setting->text) >= size;
  if (!set)
    return adze_error_new (ADZE_E_PARAM,
                           "parameter '%s' needs the id of a component: use = \"ID\"", param->name);
  adze_error *error = adze_error_new (
      ADZE_E_PARAM, "'%s' is not given, so there is nothing whose parameters could be set",
      param->name);
  adze_error_setf (error, "hint", "say which component it is, too: --set %.*s.use=ID", (int)size,
                   setting->text);
  return error;
}

static adze_error *
find_path (const char *folder, const char *name, char **absolute)
{
  bool relative = name[0] != '/' && folder;
  ADZE_AUTO_FREE char *path
      = relative ? adze_text_format ("%s/%s", folder, name) : strdup (name);
  return path ? adze_path_absolute (path, absolute) : adze_error_memory ();
}

/* Opened, since it is now that somebody is there to read why it cannot be. */
static adze_error *
find_file (const char *folder, const char *name, char **absolute)
{
  ADZE_AUTO_FREE char *found = NULL;
  ADZE_TRY (find_path (folder, name, &found));
  ADZE_AUTO_FD int fd = -1;
  adze_error *error = adze_file_open (found, &fd, NULL);
  if (error) {
    adze_file_suggest (error, found);
    return error;
  }
  *absolute = adze_take (&found);
  return NULL;
}

/* A pipe holds up whoever opens it until somebody reads, and nothing can be opened in a socket. FOUND
 * is without links where it leads to a name: /dev/stdout, which may be a pipe without one, stays the
 * link that it is, and waits for nobody. */
static bool
is_pipe_or_socket (const char *found, mode_t *mode)
{
  struct stat status;
  if (lstat (found, &status) != 0)
    return false;
  *mode = status.st_mode;
  return S_ISFIFO (status.st_mode) || S_ISSOCK (status.st_mode);
}

/* Made when it is missing, its folder is not. What else has it, its pipeline knows. */
static adze_error *
place_file (const binder *b, const char *name, char **absolute)
{
  struct stat status;
  mode_t mode = 0;
  if (b->looking)
    return find_path (b->folder, name, absolute);
  ADZE_AUTO_FREE char *found = NULL;
  ADZE_TRY (find_path (b->folder, name, &found));
  if (stat (found, &status) == 0 && S_ISDIR (status.st_mode))
    return adze_error_new (ADZE_E_PARAM, "%s is a folder; name a file in it", found);
  if (is_pipe_or_socket (found, &mode))
    return adze_error_new (ADZE_E_PARAM, "%s is %s, and a file is needed; name another one", found,
                           adze_file_kind (mode));
  size_t length = (size_t)(adze_path_base (found) - found);
  ADZE_AUTO_FREE char *above = strndup (found, length);
  if (!above)
    return adze_error_memory ();
  if (stat (above, &status) != 0 || !S_ISDIR (status.st_mode))
    return adze_error_new (ADZE_E_PARAM, "there is no folder %s for the file to be in; make it, or "
                           "name another one", above);
  *absolute = adze_take (&found);
  return NULL;
}

static void
bind_file (binder *b, const adze_param *param, const adze_value *value,
           struct adze_param_value *into)
{
  if (adze_param_left_out (param, value)) {
    set_text (b, into, "");
    return;
  }
  if (value->string_size == 0) {
    complain_at (b, value, false,
                 adze_error_new (ADZE_E_PARAM, "parameter '%s' must be the path of a file, and is "
                                 "empty",
                                 param->name));
    return;
  }
  adze_error *error = param->type == ADZE_PARAM_OUTPUT_FILE
                          ? place_file (b, value->string, &into->string)
                          : find_file (b->folder, value->string, &into->string);
  if (error)
    complain_at (b, value, false, about_param (param, error));
  else if (param->type != ADZE_PARAM_OUTPUT_FILE)
    into->file = adze_file_identity_at (into->string);
}

static void
bind_component (binder *b, const adze_param *param, const adze_value *value, size_t depth,
                struct adze_param_value *into)
{
  static const char *const own[] = { "use", NULL };
  bool table = value->type == ADZE_VALUE_TABLE;
  const adze_value *use = table ? adze_value_get (value, "use") : value;
  const char *fault = NULL;
  if (!use) {
    complain_at (b, value, false, no_component (param, value));
    return;
  }
  if (adze_param_left_out (param, value)) {
    set_text (b, into, "");
    return;
  }
  if (use->type != ADZE_VALUE_STRING || strlen (use->string) != use->string_size)
    fault = "needs a string with the id of a component as 'use'";
  else if (!b->find)
    fault = "takes a component, which cannot be had here";
  else if (depth >= DEPTH_MAX)
    fault = "has components within components without end";
  if (fault) {
    complain_at (b, use, false,
                 adze_error_new (ADZE_E_PARAM, "parameter '%s' %s", param->name, fault));
    return;
  }
  const adze_manifest_component *component = NULL;
  adze_error *error = b->find (b->find_context, param->component_kind, use->string, &component);
  if (error) {
    complain_at (b, use, false, about_param (param, error));
    return;
  }
  set_text (b, into, use->string);
  bind_table (b, component, table ? value : NULL, value, own, depth + 1, &into->nested);
}

/* A value without entries, whose type is that of VALUE. */
static void
bind_scalar (binder *b, const adze_param *param, uint32_t type, const adze_value *value,
             size_t depth, struct adze_param_value *into)
{
  switch (type) {
  case ADZE_PARAM_BOOL:
    into->boolean = value->boolean;
    break;
  case ADZE_PARAM_INT:
    into->integer = value->integer;
    break;
  case ADZE_PARAM_FLOAT:
    into->real = value->type == ADZE_VALUE_INT ? (double)value->integer : value->real;
    break;
  case ADZE_PARAM_FILE:
  case ADZE_PARAM_OUTPUT_FILE:
    bind_file (b, param, value, into);
    break;
  case ADZE_PARAM_COMPONENT:
    bind_component (b, param, value, depth, into);
    break;
  default:
    set_text (b, into, value->string);
  }
}

static int
by_name (const void *a, const void *b)
{
  const struct adze_param_value *one = a, *other = b;
  return strcmp (one->name, other->name);
}

/* Those of a map come in the order of their names, since no key of a result tells how somebody wrote
 * them. */
static void
bind_entries (binder *b, const adze_param *param, const adze_value *value, size_t depth,
              struct adze_param_value *into)
{
  into->nested = new_params (value->count);
  if (!into->nested)
    b->no_memory = true;
  for (size_t i = 0; i < value->count && !b->no_memory; i++) {
    const adze_value *entry = value->items[i];
    char number[24];
    snprintf (number, sizeof number, "%zu", i);
    adze_error *misfit = adze_param_fit_entry (param, entry);
    if (misfit) {
      complain_at (b, entry, false, misfit);
      continue;
    }
    struct adze_param_value *next
        = next_value (into->nested, entry->key ? entry->key : number, param->item);
    if (next)
      bind_scalar (b, param, param->item, entry, depth, next);
    else
      b->no_memory = true;
  }
  if (param->type == ADZE_PARAM_MAP && !b->no_memory && into->nested->count > 1)
    qsort (into->nested->values, into->nested->count, sizeof into->nested->values[0], by_name);
}

static void
bind_value (binder *b, const adze_param *param, const adze_value *value, size_t depth,
            adze_params *params)
{
  ADZE_AUTO_VALUE size = NULL;
  adze_error *misfit = adze_param_size (param, value, &size);
  if (size)
    value = size;
  if (!misfit)
    misfit = adze_param_fit (param, value);
  if (misfit) {
    complain_at (b, value, false, misfit);
    return;
  }
  struct adze_param_value *into = next_value (params, param->name, param->type);
  if (!into)
    b->no_memory = true;
  else if (param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP)
    bind_entries (b, param, value, depth, into);
  else
    bind_scalar (b, param, param->type, value, depth, into);
}

static void
bind_preset (binder *b, const adze_param *param, const adze_value *place, size_t depth,
             adze_params *params)
{
  ADZE_AUTO_VALUE preset = NULL;
  adze_error *error = adze_param_preset (param, &preset);
  bool outer = b->in_preset;
  if (!outer) {
    b->in_preset = true;
    b->preset_at = place;
  }
  if (error)
    complain_at (b, place, false, error);
  else
    bind_value (b, param, preset, depth, params);
  b->in_preset = outer;
}

/* ---- Keys. */

static bool
is_known (const adze_manifest_component *component, const char *const *ignore,
          const adze_value *value)
{
  if (strlen (value->key) != value->key_size)
    return false;
  for (size_t i = 0; ignore && ignore[i]; i++)
    if (strcmp (ignore[i], value->key) == 0)
      return true;
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, value->key) == 0)
      return true;
  return false;
}

/* Complains about whatever it can, so that a person has to come back only once; at PLACE about what
 * is not there. */
static void
bind_table (binder *b, const adze_manifest_component *component, const adze_value *table,
            const adze_value *place, const char *const *ignore, size_t depth,
            adze_params **params)
{
  bool partial = b->partial && depth == 0;
  const char *owner = depth == 0 ? b->owner : NULL;
  *params = new_params (component->param_count);
  if (!*params)
    b->no_memory = true;
  for (size_t i = 0; table && i < table->count && !b->no_memory; i++)
    if (!is_known (component, ignore, table->items[i]))
      complain_at (b, table->items[i], true,
                   adze_param_unknown (component, table->items[i]->key, owner,
                                       depth == 0 && b->own ? b->own : ignore));
  for (size_t i = 0; i < component->param_count && !b->no_memory; i++) {
    const adze_param *param = &component->params[i];
    const adze_value *given = adze_value_get (table, param->name);
    const size_t before = (*params)->count;
    if (given) {
      bind_value (b, param, given, depth, *params);
      if ((*params)->count > before)
        (*params)->values[before].given = true;
    } else if (partial)
      continue;
    else if (param->preset)
      bind_preset (b, param, place, depth, *params);
    else
      complain_at (b, place, false, adze_param_missing (component, param, owner));
  }
}

adze_error *
adze_params_bind (const adze_manifest_component *component, const adze_document *document,
                  const adze_value *table, const char *const *ignore, const char *folder,
                  adze_params_find find, void *find_context, adze_params **params)
{
  *params = NULL;
  __attribute__ ((cleanup (cleanup_binder))) binder b
      = { .document = document, .folder = folder, .find = find, .find_context = find_context };
  ADZE_AUTO_PARAMS bound = NULL;
  bind_table (&b, component, table, table, ignore, 0, &bound);
  ADZE_TRY (sum_up (&b, component));
  *params = adze_take (&bound);
  return NULL;
}

adze_error *
adze_params_examine (const adze_manifest_component *component, const adze_params_request *request,
                     adze_params **params)
{
  *params = NULL;
  __attribute__ ((cleanup (cleanup_binder))) binder b
      = { .document = request->document,
          .folder = request->folder,
          .looking = request->looking,
          .find = request->find,
          .find_context = request->find_context,
          .owner = request->owner,
          .own = request->own,
          .partial = request->partial,
          .listener = request->complain,
          .listener_context = request->complain_context };
  ADZE_AUTO_PARAMS bound = NULL;
  bind_table (&b, component, request->table, request->table, request->ignore, 0, &bound);
  if (b.no_memory)
    return adze_error_memory ();
  *params = adze_take (&bound);
  return NULL;
}

/* ---- Settings. */

static const adze_param *
find_param (const adze_manifest_component *component, const char *name)
{
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return &component->params[i];
  return NULL;
}

/* Places of a value that was read on its own, in a text where it begins on line LINE. */
static void
move_down (adze_value *value, uint32_t line)
{
  if (value->line > 0)
    value->line += line - 1;
  if (value->key_line > 0)
    value->key_line += line - 1;
  for (size_t i = 0; i < value->count; i++)
    move_down (value->items[i], line);
}

/* Digits alone, and more of them than an integer can have? TOML has no such number, and it would be
 * complained about as text. */
static bool
is_too_large (const char *text)
{
  const char *digits = text + (*text == '-' || *text == '+');
  char *end;
  if (!*digits || digits[strspn (digits, "0123456789")] != '\0')
    return false;
  errno = 0;
  strtoll (text, &end, 10);
  return errno == ERANGE;
}

static adze_error *
refuse_too_large (const adze_document *document, const adze_param *param, const char *text,
                  const adze_value *at)
{
  enum { SHOWN = 80 };
  bool is_float = param->type == ADZE_PARAM_FLOAT;
  adze_error *error = adze_document_error (
      document, at, "parameter '%s': %.*s%s is too large for an integer of 64 bits", param->name,
      SHOWN, text, strlen (text) > SHOWN ? "..." : "");
  adze_error_set (error, "needed",
                  is_float ? "a float"
                           : "an integer from -9223372036854775808 to 9223372036854775807");
  adze_error_setf (error, "found", "%.*s", SHOWN, text);
  if (is_float)
    adze_error_set (error, "hint", "with .0 at its end it is a float");
  return error;
}

/* What stands to the right. What is no TOML is taken as text even where something else is wanted:
 * then the complaint will be that it must be, say, a float. In a list that would not help. */
static adze_error *
read_right (const adze_document *document, const adze_param *param, const char *text,
            const adze_value *at, adze_value **value)
{
  bool entries = param && (param->type == ADZE_PARAM_LIST || param->type == ADZE_PARAM_MAP);
  bool number = param && (param->type == ADZE_PARAM_INT || param->type == ADZE_PARAM_FLOAT);
  uint32_t type = param ? param->type : ADZE_PARAM_STRING;
  ADZE_AUTO_ERROR error = adze_param_text (type, text, at->column, value);
  if (!error || adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  if (number && is_too_large (text))
    return refuse_too_large (document, param, text, at);
  if (!entries)
    return adze_param_text (ADZE_PARAM_STRING, text, at->column, value);
  adze_error *bad = adze_document_error (document, at, "'%s' is no %s in TOML", text,
                                         adze_param_type_name (param->type, param->item));
  adze_error_set (bad, "hint",
                  param->type == ADZE_PARAM_LIST ? "write it as in [1, 2], with quotes around words"
                                                 : "write it as in { name = 1 }, with quotes "
                                                   "around words");
  return bad;
}

static size_t
trim (const char **text, size_t size)
{
  while (size > 0 && strchr (" \t", **text))
    ++*text, --size;
  while (size > 0 && strchr (" \t\r\n", (*text)[size - 1]))
    size--;
  return size;
}

/* Adds one setting, which stands on line LINE of the document, to the table. */
static adze_error *
add_setting (const adze_manifest_component *component, adze_document *document,
             const char *setting, uint32_t line)
{
  const char *equals = strchr (setting, '=');
  const char *left = setting, *right = equals ? equals + 1 : setting;
  size_t left_size = equals ? trim (&left, (size_t)(equals - left)) : 0;
  size_t right_size = trim (&right, strlen (right));
  adze_value at = { .line = line, .column = (uint32_t)(left - setting) + 1 };
  if (left_size == 0 || right_size == 0) {
    adze_error *error = adze_document_error (
        document, &at, "\"%s\" is no setting: one reads name = value", setting);
    adze_error_set (error, "needed", "name = value");
    adze_error_set (error, "found", setting);
    return error;
  }
  ADZE_AUTO_FREE char *name = strndup (left, left_size);
  ADZE_AUTO_FREE char *text = strndup (right, right_size);
  if (!name || !text)
    return adze_error_memory ();
  if (adze_value_get (document->root, name))
    return adze_document_error (document, &at, "'%s' is set twice", name);
  at.column = (uint32_t)(right - setting) + 1;
  ADZE_AUTO_VALUE value = NULL;
  ADZE_TRY (read_right (document, find_param (component, name), text, &at, &value));
  move_down (value, line);
  value->line = line;
  value->column = at.column;
  value->key_line = line;
  value->key_column = (uint32_t)(left - setting) + 1;
  return adze_value_append (document->root, name, adze_take (&value));
}

adze_error *
adze_settings_error (adze_error *error)
{
  ADZE_AUTO_ERROR owned = error;
  if (adze_error_status (error) != ADZE_E_FORMAT)
    return adze_take (&owned);
  adze_error *about = adze_error_new (ADZE_E_PARAM, "%s", adze_error_message (error));
  copy_facts (about, error);
  return about;
}

adze_error *
adze_settings_parse (const adze_manifest_component *component, const char *const *settings,
                     adze_document *document)
{
  *document = (adze_document){ .path = strdup ("<settings>") };
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t i = 0; settings && settings[i]; i++)
    adze_buffer_format (&text, "%s\n", settings[i]);
  ADZE_TRY (adze_buffer_finish (&text, &document->text));
  document->root = adze_value_new (ADZE_VALUE_TABLE);
  if (!document->path || !document->root)
    return adze_error_memory ();
  uint32_t line = 1;
  for (size_t i = 0; settings && settings[i]; i++) {
    ADZE_TRY (adze_settings_error (add_setting (component, document, settings[i], line)));
    for (const char *c = settings[i]; *c; c++)
      line += *c == '\n';
    line++;
  }
  return NULL;
}
