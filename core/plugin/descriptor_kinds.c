/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/descriptor_kinds.c: the kinds, and what each demands of its callbacks. */
#include <string.h>

#include "plugin/descriptor_parts.h"

static adze_error *
missing_callback (const adze_candidate *candidate, const char *member, const char *needed)
{
  adze_error *error
      = adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT, "has no .%s callback", member);
  adze_error_set (error, "needed", needed);
  adze_error_set (error, "found", "NULL");
  adze_error_setf (error, "hint", "give .%s in the table of callbacks", member);
  return error;
}

/* What create has made, only destroy can give back. */
static adze_error *
check_pair (const adze_candidate *candidate, bool create, bool destroy)
{
  if (create && !destroy)
    return missing_callback (candidate, "destroy", "a .destroy, because there is a .create");
  if (destroy && !create)
    return missing_callback (candidate, "create", "a .create, because there is a .destroy");
  return NULL;
}

static adze_error *
check_effect (const adze_candidate *candidate, uint32_t effect)
{
  if (effect == ADZE_CHANGES || effect == ADZE_INSPECTS)
    return NULL;
  adze_error *error = adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT,
                                          "has the unknown effect %u", effect);
  adze_error_set (error, "needed", "1 (ADZE_CHANGES) or 2 (ADZE_INSPECTS)");
  adze_error_setf (error, "found", "%u", effect);
  adze_error_set (error, "hint", "give .effect in the table of callbacks");
  return error;
}

static adze_error *
check_technique (const adze_candidate *candidate)
{
  const adze_technique *technique = &candidate->callbacks->technique;
  if (!technique->apply && !technique->run && !technique->accumulator && !technique->describe)
    return missing_callback (candidate, "apply",
                             "an .apply, .describe, .accumulator or .run, without which a "
                             "technique does nothing");
  if (technique->accumulator && (!technique->observe || !technique->merge || !technique->decide))
    return missing_callback (candidate,
                             !technique->observe ? "observe" : !technique->merge ? "merge" : "decide",
                             "an .observe, a .merge and a .decide, because there is an "
                             ".accumulator");
  ADZE_TRY (check_pair (candidate, technique->create, technique->destroy));
  ADZE_TRY (check_effect (candidate, technique->effect));
  candidate->into->effect = technique->effect;
  return adze_table_ports (&candidate->owner, technique->ports, technique->port_size,
                           candidate->into);
}

static adze_error *
check_observer (const adze_candidate *candidate)
{
  const adze_observer *observer = &candidate->callbacks->observer;
  if (!observer->event)
    return missing_callback (candidate, "event",
                             "an .event, without which an observer sees nothing");
  return check_pair (candidate, observer->create, observer->destroy);
}

static adze_error *
check_format (const adze_candidate *candidate)
{
  const adze_format *format = &candidate->callbacks->format;
  if (!format->recognise)
    return missing_callback (candidate, "recognise",
                             "a .recognise, without which no file is known to be of the format");
  if (!format->read)
    return missing_callback (candidate, "read", "a .read, without which no file can be opened");
  if (format->write && !format->extensions)
    return missing_callback (candidate, "extensions",
                             "the .extensions of names that are written in this format");
  return NULL;
}

static adze_error *
check_source (const adze_candidate *candidate)
{
  const adze_source *source = &candidate->callbacks->source;
  if (!source->open)
    return missing_callback (candidate, "open", "an .open, which says what data there is");
  if (!source->close)
    return missing_callback (candidate, "close", "a .close, because there is an .open");
  if (!source->read)
    return missing_callback (candidate, "read", "a .read, without which there are no examples");
  return NULL;
}

static adze_error *
check_codec (const adze_candidate *candidate)
{
  const adze_codec *codec = &candidate->callbacks->codec;
  if (!codec->describe)
    return missing_callback (candidate, "describe", "a .describe, which says what a tensor becomes");
  if (!codec->encode || !codec->decode)
    return missing_callback (candidate, codec->encode ? "decode" : "encode",
                             "an .encode and a .decode, since codes that nobody can read are lost");
  if (codec->accumulator && (!codec->observe || !codec->merge))
    return missing_callback (candidate, codec->observe ? "merge" : "observe",
                             "an .observe and a .merge, because there is an .accumulator");
  return NULL;
}

static adze_error *
check_scorer (const adze_candidate *candidate)
{
  if (!candidate->callbacks->scorer.score)
    return missing_callback (candidate, "score", "a .score, without which nothing is scored");
  return NULL;
}

/* Memory of a device, of which a backend may have none. */
static adze_error *
check_memory (const adze_candidate *candidate, const adze_device_memory *memory)
{
  const size_t least = ADZE_SIZE_THROUGH (adze_device_memory, read);
  if (!memory)
    return NULL;
  if (!adze_size_is_sane (memory->struct_size, least))
    return adze_size_facts (adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT,
                                                "has a .memory that %s",
                                                adze_size_complaint (memory->struct_size)),
                            memory->struct_size, least, "adze_device_memory");
  if (!memory->allocate || !memory->release || !memory->write || !memory->read)
    return missing_callback (candidate,
                             !memory->allocate  ? "memory->allocate"
                             : !memory->release ? "memory->release"
                             : !memory->write   ? "memory->write"
                                                : "memory->read",
                             ".allocate, .release, .write and .read, because there is a .memory");
  if (memory->device_type != ADZE_DEVICE_CPU)
    return NULL;
  adze_error *error = adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT,
                                          "has a .memory of the processor itself");
  adze_error_set (error, "needed", "a .device_type of DLPack's that is not 1 (ADZE_DEVICE_CPU)");
  adze_error_setf (error, "found", "%d", (int)memory->device_type);
  adze_error_set (error, "hint", "what computes in memory of the processor has no .memory");
  return error;
}

static adze_error *
check_backend (const adze_candidate *candidate)
{
  const adze_backend *backend = &candidate->callbacks->backend;
  if (!backend->claim)
    return missing_callback (candidate, "claim", "a .claim, which says what it can compute");
  if (!backend->compile || !backend->release)
    return missing_callback (candidate, backend->compile ? "release" : "compile",
                             "a .compile and a .release, which make and end a program");
  if (!backend->execute)
    return missing_callback (candidate, "execute", "an .execute, without which nothing is computed");
  ADZE_TRY (check_memory (candidate, backend->memory));
  return check_pair (candidate, backend->create, backend->destroy);
}

const char *const adze_kind_names[]
    = { ADZE_TECHNIQUE, ADZE_OBSERVER, ADZE_FORMAT, ADZE_SOURCE, ADZE_BACKEND, ADZE_CODEC, ADZE_SCORER,
        NULL };

static const adze_kind_rule rules[] = {
  { ADZE_TECHNIQUE, "adze_technique", ADZE_TECHNIQUE_REVISION,
    ADZE_SIZE_THROUGH (adze_technique, run), sizeof (adze_technique), check_technique },
  { ADZE_OBSERVER, "adze_observer", ADZE_OBSERVER_REVISION,
    ADZE_SIZE_THROUGH (adze_observer, event), sizeof (adze_observer), check_observer },
  { ADZE_FORMAT, "adze_format", ADZE_FORMAT_REVISION, ADZE_SIZE_THROUGH (adze_format, write),
    sizeof (adze_format), check_format },
  { ADZE_SOURCE, "adze_source", ADZE_SOURCE_REVISION, ADZE_SIZE_THROUGH (adze_source, read),
    sizeof (adze_source), check_source },
  { ADZE_BACKEND, "adze_backend", ADZE_BACKEND_REVISION, ADZE_SIZE_THROUGH (adze_backend, execute),
    sizeof (adze_backend), check_backend },
  { ADZE_CODEC, "adze_codec", ADZE_CODEC_REVISION, ADZE_SIZE_THROUGH (adze_codec, graph),
    sizeof (adze_codec), check_codec },
  { ADZE_SCORER, "adze_scorer", ADZE_SCORER_REVISION, ADZE_SIZE_THROUGH (adze_scorer, score),
    sizeof (adze_scorer), check_scorer },
};

static adze_error *
unknown_kind (const adze_table_owner *owner, const char *kind)
{
  ADZE_AUTO (adze_buffer) known = { 0 };
  size_t count = 0;
  for (; adze_kind_names[count]; count++)
    adze_buffer_format (&known, "%s%s", count ? ", " : "", adze_kind_names[count]);
  ADZE_AUTO_FREE char *names = NULL;
  ADZE_TRY (adze_buffer_finish (&known, &names));
  char shown[ADZE_SHOWN_TEXT];
  adze_text_shown (kind, shown);
  const char *meant = adze_nearest (shown, adze_kind_names, count);
  adze_error *error
      = adze_table_refusal (owner, ADZE_E_UNSUPPORTED,
                            "is of the unknown kind '%s'; this adze knows: %s", shown, names);
  adze_error_set (error, "needed", names);
  adze_error_set (error, "found", shown);
  if (meant)
    adze_error_setf (error, "hint", "did you mean '%s'?", meant);
  else
    adze_error_set (error, "hint", "a later release of adze may know it");
  return error;
}

static adze_error *
check_revision (const adze_candidate *candidate, const adze_kind_rule *rule)
{
  uint32_t found = candidate->component->kind_revision;
  if (found == rule->revision)
    return NULL;
  adze_error *error = adze_table_refusal (
      &candidate->owner, ADZE_E_ABI,
      "was written against revision %u of the kind '%s', this adze has revision %u", found,
      rule->name, rule->revision);
  adze_error_setf (error, "needed", "revision %u, exactly, since the kind is a draft",
                   rule->revision);
  adze_error_setf (error, "found", "revision %u", found);
  adze_error_setf (error, "hint", "build the plugin with the SDK of adze %s", adze_version ());
  return error;
}

adze_error *
adze_kind_find (const adze_candidate *candidate, const adze_kind_rule **rule)
{
  const char *kind = candidate->component->kind;
  if (!kind)
    return adze_refusal_facts (
        adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT, "has no .kind"),
        "a kind such as ADZE_TECHNIQUE", "NULL", "give .kind in the component");
  for (size_t i = 0; i < ADZE_COUNT_OF (rules); i++)
    if (strcmp (rules[i].name, kind) == 0) {
      *rule = &rules[i];
      return check_revision (candidate, *rule);
    }
  return unknown_kind (&candidate->owner, kind);
}

adze_error *
adze_kind_take (const adze_candidate *candidate, const adze_kind_rule *rule)
{
  if (!candidate->component->callbacks)
    return adze_refusal_facts (
        adze_table_refusal (&candidate->owner, ADZE_E_CONTRACT, "has no .callbacks"),
        rule->struct_name, "NULL", "give .callbacks in the component");
  ADZE_TRY (adze_struct_copy (&candidate->owner, "table of callbacks", rule->struct_name,
                              candidate->component->callbacks, rule->least, candidate->callbacks,
                              rule->room));
  return rule->check (candidate);
}
