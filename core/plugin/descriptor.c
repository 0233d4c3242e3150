/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/descriptor.c: see descriptor.h. Nothing of the plugin is called here, and nothing is
 * followed before what vouches for it has been looked at: the size before the members, the
 * contract before their meaning. */
#include "plugin/descriptor.h"

#include <string.h>

#include "base/file.h"
#include "plugin/descriptor_parts.h"
#include "plugin/manifest/params.h"

#define SUMMARY_MAX 256
#define NAME_NEEDED "lower case letters, digits and hyphens, beginning with a letter, at most 64"

/* How a text of the descriptor must look. */
typedef struct text_rule {
  const char *member;
  bool (*valid) (const char *text);
  const char *needed;
} text_rule;

void
adze_descriptor_free (adze_descriptor *descriptor)
{
  if (!descriptor)
    return;
  free (descriptor->components);
  free (descriptor->callbacks);
  free (descriptor);
}

static void
descriptor_cleanup (adze_descriptor **descriptor)
{
  adze_descriptor_free (*descriptor);
}

/* ---- The head: magic, size, ABI. */

static adze_error *
check_magic (const adze_plugin *raw, const char *path)
{
  if (!raw)
    return adze_refusal_facts (
        adze_refusal (ADZE_E_ABI, ADZE_STEP_MAGIC, path, "its entry returned no descriptor"),
        "the address of an adze_plugin", "NULL",
        "end the plugin with ADZE_PLUGIN_REGISTER (name, descriptor)");
  uint32_t magic;
  memcpy (&magic, raw, sizeof magic);
  if (magic == ADZE_MAGIC)
    return NULL;
  adze_error *error = adze_refusal (ADZE_E_ABI, ADZE_STEP_MAGIC, path,
                                    "what its entry returned is no descriptor of adze");
  adze_error_setf (error, "needed", "the magic number 0x%08x", ADZE_MAGIC);
  adze_error_setf (error, "found", "0x%08x", magic);
  adze_error_set (error, "hint", "begin the descriptor with ADZE_PLUGIN_HEAD");
  return error;
}

static adze_error *
check_plugin_size (const adze_plugin *raw, const char *path, uint32_t *size)
{
  memcpy (size, (const char *)raw + offsetof (adze_plugin, struct_size), sizeof *size);
  size_t least = ADZE_SIZE_THROUGH (adze_plugin, extension);
  if (adze_size_is_sane (*size, least))
    return NULL;
  return adze_size_facts (adze_refusal (ADZE_E_ABI, ADZE_STEP_MAGIC, path, "its descriptor %s",
                                        adze_size_complaint (*size)),
                          *size, least, "adze_plugin");
}

/* An ABI carries the number of the release that brought it. Within a major, later ones will do. */
static void
release_text (uint32_t major, uint32_t minor, uint32_t own_major, char *text, size_t room)
{
  if (major == own_major)
    snprintf (text, room, "adze %u.%u or later", major, minor);
  else
    snprintf (text, room, "adze %u.%u or a later %u.x", major, minor, major);
}

static adze_error *
check_abi (const adze_plugin *plugin, const char *path, const adze_profile *profile)
{
  if (plugin->abi_major == profile->abi_major && plugin->abi_minor <= profile->abi_minor)
    return NULL;
  char release[80];
  release_text (plugin->abi_major, plugin->abi_minor, profile->abi_major, release,
                sizeof release);
  adze_error *error = adze_refusal (
      ADZE_E_ABI, ADZE_STEP_ABI, path,
      "it needs adze ABI %u.%u (%s), this is adze %s with ABI %u.%u",
      plugin->abi_major, plugin->abi_minor, release, adze_version (), profile->abi_major,
      profile->abi_minor);
  adze_error_setf (error, "needed", "ABI %u.%u (%s)", plugin->abi_major, plugin->abi_minor,
                   release);
  adze_error_setf (error, "found", "ABI %u.%u (adze %s)", profile->abi_major, profile->abi_minor,
                   adze_version ());
  if (plugin->abi_major == profile->abi_major)
    adze_error_setf (error, "hint",
                     "install %s, or build the plugin with ADZE_API_VERSION %u if that is enough",
                     release, profile->abi_minor);
  else
    adze_error_setf (error, "hint", "install %s, or build the plugin with the SDK of adze %s",
                     release, adze_version ());
  return error;
}

/* ---- Texts. */

static bool
summary_valid (const char *text)
{
  size_t size = strnlen (text, SUMMARY_MAX + 1);
  return size > 0 && size <= SUMMARY_MAX && !adze_text_fault (text, size);
}

static bool
version_valid (const char *text)
{
  size_t size = strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-~");
  return text[0] >= '0' && text[0] <= '9' && !text[size] && size <= 64;
}

static bool
license_valid (const char *text)
{
  size_t size
      = strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-:() ");
  return text[0] && text[0] != ' ' && !text[size] && size <= SUMMARY_MAX;
}

/* What somebody else has named may have underscores in it. */
static bool
codec_id_valid (const char *text)
{
  return adze_id_valid (ADZE_CODEC, text);
}

static const text_rule id_rule = { "id", adze_name_valid, NAME_NEEDED };
static const text_rule codec_id_rule = { "id", codec_id_valid, NAME_NEEDED };
static const text_rule version_rule
    = { "version", version_valid, "a version such as \"1.0.2\", beginning with a digit" };
static const text_rule summary_rule
    = { "summary", summary_valid, "one line of text, at most 256 bytes of UTF-8" };
static const text_rule license_rule
    = { "license", license_valid, "an SPDX expression such as \"Apache-2.0\"" };

static adze_error *
take_text (const adze_table_owner *owner, const text_rule *rule, const char *text, char **into)
{
  if (text && rule->valid (text)) {
    *into = strdup (text);
    return *into ? NULL : adze_error_memory ();
  }
  char shown[ADZE_SHOWN_TEXT];
  adze_error *error = adze_table_refusal (owner, ADZE_E_CONTRACT,
                                          text ? "has a bad .%s" : "has no .%s", rule->member);
  error = adze_refusal_facts (error, rule->needed, text ? adze_text_shown (text, shown) : "NULL",
                              NULL);
  adze_error_setf (error, "hint", "give .%s in the descriptor", rule->member);
  return error;
}

/* ---- Components. */

/* "component 'x'" where that can be said, else its number. */
static char *
component_label (const char *id, size_t index)
{
  if (id && codec_id_valid (id))
    return adze_text_format ("component '%s'", id);
  return adze_text_format ("component number %zu", index + 1);
}

static adze_error *
check_id_is_new (const adze_table_owner *owner, const adze_manifest *manifest, size_t index)
{
  const char *id = manifest->components[index].id;
  for (size_t i = 0; i < index; i++)
    if (strcmp (manifest->components[i].id, id) == 0)
      return adze_refusal_facts (
          adze_table_refusal (owner, ADZE_E_DUPLICATE, "is there twice: as number %zu and %zu",
                              i + 1, index + 1),
          "ids that are unique", id, "rename one of the two");
  return NULL;
}

static adze_error *
check_threading (const adze_candidate *candidate)
{
  uint32_t threading = candidate->component->threading;
  if (threading >= ADZE_THREADS_PLUGIN && threading <= ADZE_THREADS_PARALLEL)
    return NULL;
  adze_error *error = adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT,
                                          "has the unknown threading %u", threading);
  adze_error_setf (error, "found", "%u", threading);
  return adze_refusal_facts (error,
                             "ADZE_THREADS_PLUGIN, ADZE_THREADS_INSTANCE or ADZE_THREADS_PARALLEL",
                             NULL, "give .threading in the component");
}

/* What the table of parameters means is judged last: the names of the ports are reserved in it. */
static adze_error *
check_params (const adze_candidate *candidate)
{
  adze_error *cause = adze_params_check (candidate->into);
  if (!cause)
    return NULL;
  adze_error *error = adze_error_wrap (cause, "cannot use %s: the parameters of %s are not sound",
                                       candidate->owner.path, candidate->owner.label);
  adze_error_set (error, "step", adze_step_name (ADZE_STEP_FIELDS));
  adze_error_set (error, "file", candidate->owner.path);
  if (!adze_error_fact (error, "needed"))
    adze_error_set (error, "needed", "a table that follows the rules of adze/param.h");
  const adze_error *why = adze_error_cause (error); /* NULL: no memory for it */
  if (why && !adze_error_fact (error, "found"))
    adze_error_set (error, "found", adze_error_message (why));
  if (!adze_error_fact (error, "hint"))
    adze_error_set (error, "hint", "mend the table of parameters and build the plugin again");
  return error;
}

static adze_error *
take_component (const adze_candidate *candidate, adze_manifest *manifest, size_t index)
{
  const adze_component *component = candidate->component;
  adze_manifest_component *into = candidate->into;
  const adze_kind_rule *rule = NULL;
  ADZE_TRY (adze_kind_find (candidate, &rule));
  into->kind = strdup (rule->name);
  if (!into->kind)
    return adze_error_memory ();
  into->kind_revision = component->kind_revision;
  bool codec = strcmp (into->kind, ADZE_CODEC) == 0;
  ADZE_TRY (take_text (&candidate->owner, codec ? &codec_id_rule : &id_rule, component->id, &into->id));
  ADZE_TRY (check_id_is_new (&candidate->owner, manifest, index));
  ADZE_TRY (take_text (&candidate->owner, &summary_rule, component->summary, &into->summary));
  ADZE_TRY (check_threading (candidate));
  into->threading = component->threading;
  ADZE_TRY (adze_table_params (&candidate->owner, component->params, component->param_size, into));
  ADZE_TRY (adze_kind_take (candidate, rule));
  return check_params (candidate);
}

static adze_error *
read_component (const char *path, const adze_component *raw, size_t index,
                adze_descriptor *descriptor, adze_manifest *manifest)
{
  adze_component *component = &descriptor->components[index];
  ADZE_AUTO_FREE char *number = component_label (NULL, index);
  if (!number)
    return adze_error_memory ();
  const adze_table_owner unnamed = { path, number };
  ADZE_TRY (adze_struct_copy (&unnamed, "struct", "adze_component", raw,
                              ADZE_SIZE_THROUGH (adze_component, callbacks), component,
                              sizeof *component));
  ADZE_AUTO_FREE char *label = component_label (component->id, index);
  if (!label)
    return adze_error_memory ();
  const adze_candidate candidate = {
    .owner = { path, label },
    .component = component,
    .callbacks = &descriptor->callbacks[index],
    .into = &manifest->components[index],
  };
  ADZE_TRY (take_component (&candidate, manifest, index));
  component->callbacks = &descriptor->callbacks[index];
  return NULL;
}

/* A list that lacks its end is read like a table that does. */
static const adze_component *
listed_component (const adze_component *const *list, size_t index)
{
  const adze_component *component;
  adze_table_read (&component, list + index, sizeof component);
  return component;
}

static adze_error *
count_components (const adze_table_owner *owner, const adze_component *const *list, size_t *count)
{
  size_t found = 0;
  while (list && found <= ADZE_COMPONENT_MAX && listed_component (list, found))
    found++;
  *count = found;
  if (found > 0 && found <= ADZE_COMPONENT_MAX)
    return NULL;
  if (found == 0)
    return adze_refusal_facts (
        adze_table_refusal (owner, ADZE_E_CONTRACT, "offers no component"),
        "at least one component in .components", list ? "an empty list" : "NULL",
        "a list of components looks like { &first, &second, NULL }");
  adze_error *error
      = adze_table_refusal (owner, ADZE_E_LIMIT, "has a list of components without end");
  adze_error_setf (error, "needed", "at most %d components and a NULL behind them",
                   ADZE_COMPONENT_MAX);
  adze_error_setf (error, "found", "%zu that are not NULL", found);
  adze_error_set (error, "hint", "the last entry of .components must be NULL");
  return error;
}

static adze_error *
read_components (const char *path, const adze_component *const *list, size_t count,
                 adze_descriptor *descriptor, adze_manifest *manifest)
{
  descriptor->components = calloc (count, sizeof *descriptor->components);
  descriptor->callbacks = calloc (count, sizeof *descriptor->callbacks);
  manifest->components = calloc (count, sizeof *manifest->components);
  if (!descriptor->components || !descriptor->callbacks || !manifest->components)
    return adze_error_memory ();
  descriptor->component_count = count;
  manifest->component_count = count;
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (read_component (path, listed_component (list, i), i, descriptor, manifest));
  return NULL;
}

/* ---- The whole. */

static adze_error *
read_fields (const char *path, adze_descriptor *descriptor, adze_manifest *manifest)
{
  const adze_table_owner owner = { path, "its descriptor" };
  adze_plugin *plugin = &descriptor->plugin;
  ADZE_TRY (take_text (&owner, &id_rule, plugin->id, &manifest->id));
  ADZE_TRY (take_text (&owner, &version_rule, plugin->version, &manifest->version));
  ADZE_TRY (take_text (&owner, &summary_rule, plugin->summary, &manifest->summary));
  ADZE_TRY (take_text (&owner, &license_rule, plugin->license, &manifest->license));
  manifest->abi_major = plugin->abi_major;
  manifest->abi_minor = plugin->abi_minor;
  manifest->file = strdup (adze_path_base (path));
  if (!manifest->file)
    return adze_error_memory ();
  const adze_component *const *list = plugin->components;
  plugin->components = NULL; /* from here on there are the copies */
  size_t count = 0;
  ADZE_TRY (count_components (&owner, list, &count));
  return read_components (path, list, count, descriptor, manifest);
}

adze_error *
adze_descriptor_check (const adze_plugin *raw, const char *path, const adze_profile *profile,
                       adze_descriptor **descriptor, adze_manifest **manifest)
{
  __attribute__ ((cleanup (descriptor_cleanup))) adze_descriptor *made = calloc (1, sizeof *made);
  ADZE_AUTO_MANIFEST written = adze_manifest_new ();
  if (!made || !written)
    return adze_error_memory ();
  ADZE_TRY (check_magic (raw, path));
  uint32_t size = 0;
  ADZE_TRY (check_plugin_size (raw, path, &size));
  adze_copy_over_zeros (&made->plugin, sizeof made->plugin, raw, size);
  ADZE_TRY (check_abi (&made->plugin, path, profile));
  ADZE_TRY (read_fields (path, made, written));
  if (descriptor)
    *descriptor = adze_take (&made);
  *manifest = adze_take (&written);
  return NULL;
}
