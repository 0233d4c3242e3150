/* SPDX-License-Identifier: Apache-2.0 */
/* run/key.c: keys of results: their hash, and in words what tells two of them apart. */
#include "run/key.h"

#include <string.h>

/* So that the state can lie on the stack, and hashing cannot fail. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/json.h"

/* In front of all parts: a key of another form than this one has another hash. */
/* Another one where what a key stands for would be made otherwise, though nothing in it differs. 2: tensors
 * of one group beside isolated stages. */
#define FORM "adze key 2"

void
adze_key_cleanup (adze_key *key)
{
  adze_value_free (key->parts);
  key->parts = NULL;
}

adze_error *
adze_key_add (adze_key *key, const char *name, const char *value)
{
  if (!key->parts && !(key->parts = adze_value_new (ADZE_VALUE_TABLE)))
    return adze_error_memory ();
  if (adze_value_get (key->parts, name))
    return adze_error_new (ADZE_E_INTERNAL, "the part '%s' of a key was given twice", name);
  adze_json_string (key->parts, name, value);
  return adze_json_failed (key->parts) ? adze_error_memory () : NULL;
}

/* ---- The hash. */

/* How much of a part's name says where it belongs, without the slash behind that; 0: nothing. What
 * follows the first point may have slashes of its own. */
static size_t
place_size (const char *part)
{
  size_t size = 0;
  for (size_t i = 0; part[i] && part[i] != '.'; i++)
    if (part[i] == '/')
      size = i;
  return size;
}

static const char *
own_name (const char *part)
{
  size_t size = place_size (part);
  return size ? part + size + 1 : part;
}

static bool
is_name (const char *part)
{
  return strncmp (own_name (part), "name.", 5) == 0;
}

/* With its length in front, so that no two lists of texts give the same bytes. */
static void
hash_text (XXH3_state_t *state, const char *text, size_t size)
{
  unsigned char length[8];
  for (size_t i = 0; i < sizeof length; i++)
    length[i] = (unsigned char)((uint64_t)size >> (8 * i));
  XXH3_128bits_update (state, length, sizeof length);
  XXH3_128bits_update (state, text, size);
}

adze_hash128
adze_key_hash (const adze_key *key)
{
  XXH3_state_t state;
  XXH3_INITSTATE (&state);
  XXH3_128bits_reset (&state);
  hash_text (&state, FORM, strlen (FORM));
  for (size_t i = 0; key->parts && i < key->parts->count; i++) {
    const adze_value *part = key->parts->items[i];
    if (part->type != ADZE_VALUE_STRING || is_name (part->key))
      continue;
    hash_text (&state, part->key, part->key_size);
    hash_text (&state, part->string, part->string_size);
  }
  XXH128_hash_t hash = XXH3_128bits_digest (&state);
  return (adze_hash128){ .low = hash.low64, .high = hash.high64 };
}

/* ---- In words. */

/* Longer values say less than that they changed. */
enum { SHOWN_MOST = 240 };

/* One part of which something is said. */
typedef struct difference {
  const adze_value *old_parts;
  const adze_value *new_parts;
  int place_size;   /* of the stage's name, or what else stands in front of the last slash; 0: none */
  const char *part; /* the whole name */
  const char *own;  /* without that */
  const char *old;  /* values; NULL: not there */
  const char *now;
} difference;

static const char *
text_of (const adze_value *parts, const char *name)
{
  const adze_value *value = adze_value_get (parts, name);
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

const char *
adze_key_text (const adze_value *parts, const char *place, const char *part)
{
  ADZE_AUTO_FREE char *whole
      = adze_text_format ("%s%s%s", place ? place : "", place ? "/" : "", part);
  return whole ? text_of (parts, whole) : NULL;
}

/* The value of another part of the same place. */
static const char *
sibling (const difference *d, const adze_value *parts, const char *before, const char *name)
{
  ADZE_AUTO_FREE char *whole
      = adze_text_format ("%.*s%s%s%s", d->place_size, d->part, d->place_size ? "/" : "", before,
                          name);
  return whole ? text_of (parts, whole) : NULL;
}

/* What is at the end of the part's own name: "amount" of "file.amount". */
static const char *
last_name (const difference *d)
{
  const char *dot = strchr (d->own, '.');
  return dot ? dot + 1 : d->own;
}

static bool
sibling_changed (const difference *d, const char *name)
{
  const char *old = sibling (d, d->old_parts, "", name);
  const char *now = sibling (d, d->new_parts, "", name);
  return old && now && strcmp (old, now) != 0;
}

static bool
shown (const char *value)
{
  return !value || (strlen (value) <= SHOWN_MOST && !strpbrk (value, "\n\r"));
}

static void
say_values (const difference *d, const char *what, const char *name, adze_buffer *into)
{
  adze_buffer_format (into, "%s%s%s", what, name[0] ? " " : "", name);
  if (!shown (d->old) || !shown (d->now))
    adze_buffer_text (into, " changed");
  else if (!d->old)
    adze_buffer_format (into, " was not given, is %s", d->now);
  else if (!d->now)
    adze_buffer_format (into, " was %s, is not given", d->old);
  else
    adze_buffer_format (into, " was %s, is %s", d->old, d->now);
}

/* Of what has a hash for its value, which tells people nothing: by the "name." part, which is that of a
 * file. BY_NAME: so it is called as well where it is still that file. */
static void
say_file (const difference *d, const char *what, bool by_name, adze_buffer *into)
{
  const char *old = sibling (d, d->old_parts, "name.", d->own);
  const char *now = sibling (d, d->new_parts, "name.", d->own);
  const char *name = last_name (d);
  if (d->old && d->now && (!old || !now || strcmp (old, now) == 0))
    adze_buffer_format (into, "%s %s changed", what, by_name && now ? now : name);
  else
    adze_buffer_format (into, "%s %s was %s, is %s", what, name,
                        !d->old ? "not given" : old ? old : "given",
                        !d->now ? "not given" : now ? now : "given");
}

/* A port that was bound to nothing, or is: that is said once, of what it is bound to. */
static bool
is_of_unbound_port (const difference *d)
{
  const char *port = strstr (d->part, "/port ");
  if (!port)
    return false;
  size_t size = (size_t)(port + strcspn (port + 1, "/") + 1 - d->part);
  ADZE_AUTO_FREE char *source = adze_text_format ("%.*s/source", (int)size, d->part);
  if (!source || strcmp (source, d->part) == 0)
    return false;
  return !text_of (d->old_parts, source) != !text_of (d->new_parts, source);
}

/* Which stages run together and what becomes of the result tells nothing by itself; and of what other
 * stages give can say more whoever knows which of them are done again. */
static bool
is_told_elsewhere (const difference *d)
{
  if (strcmp (d->part, "stage") == 0 || strcmp (d->part, "kept") == 0)
    return true;
  if (is_of_unbound_port (d))
    return true;
  return strncmp (d->own, "input.", 6) == 0
         && (sibling (d, d->old_parts, "name.from.", d->own)
             || sibling (d, d->new_parts, "name.from.", d->own));
}

static bool
begins (const char *text, const char *beginning)
{
  return strncmp (text, beginning, strlen (beginning)) == 0;
}

/* Of a plugin that binds libraries there is nothing but its manifest. */
static void
say_build (const difference *d, adze_buffer *into)
{
  const char *plugin = sibling (d, d->new_parts, "", "plugin");
  bool binds = sibling (d, d->new_parts, "", "library") != NULL;
  adze_buffer_format (into, binds ? "the manifest of plugin %s changed" : "plugin %s was rebuilt",
                      plugin ? plugin : "of the stage");
}

static void
say_library (const difference *d, adze_buffer *into)
{
  const char *library = sibling (d, d->new_parts, "", "library");
  adze_buffer_format (into, "library %s was replaced", library ? library : "of the plugin");
}

/* What people call the file that PORT is given. */
static const char *
file_of (const difference *d, const char *port)
{
  const char *name = sibling (d, d->new_parts, "name.input.", port);
  return name ? name : port;
}

static void
say_reader (const difference *d, adze_buffer *into)
{
  const char *port = d->own + strlen (ADZE_KEY_READER);
  adze_buffer_format (into, "the reader of %s was %s, is %s", file_of (d, port), d->old, d->now);
}

static void
say_reader_build (const difference *d, adze_buffer *into)
{
  const char *port = d->own + strlen (ADZE_KEY_READER_BUILD);
  const char *plugin = sibling (d, d->new_parts, ADZE_KEY_READER, port);
  adze_buffer_format (into, "plugin %s, which reads %s, was rebuilt", plugin ? plugin : "",
                      file_of (d, port));
}

/* "clip/rule 1": "stage clip: rule 1: " */
static void
say_place (const difference *d, adze_buffer *into)
{
  if (!d->place_size)
    return;
  if (!begins (d->part, ADZE_KEY_OUTPUT "/"))
    adze_buffer_text (into, "stage ");
  for (int i = 0; i < d->place_size; i++)
    if (d->part[i] == '/')
      adze_buffer_text (into, ": ");
    else
      adze_buffer_add (into, &d->part[i], 1);
  adze_buffer_text (into, ": ");
}

/* Both were read by the same plugin, in whatever version. */
static bool
same_reader (const difference *d, const char *port)
{
  const char *old = sibling (d, d->old_parts, ADZE_KEY_READER, port);
  const char *now = sibling (d, d->new_parts, ADZE_KEY_READER, port);
  size_t size = old ? strcspn (old, " ") : 0;
  return old && now && size == strcspn (now, " ") && strncmp (old, now, size) == 0;
}

static bool
port_changed (const difference *d, const char *port, const char *what)
{
  ADZE_AUTO_FREE char *part = adze_text_format ("%s%s", what, port);
  return part && sibling_changed (d, part);
}

/* The same file by another build of its reader: nobody can tell which of them is another. */
static bool
read_otherwise (const difference *d)
{
  const char *port = last_name (d);
  return !port_changed (d, port, "name.input.") && same_reader (d, port)
         && port_changed (d, port, ADZE_KEY_READER_BUILD);
}

static void
say (const difference *d, adze_buffer *into)
{
  say_place (d, into);
  if (begins (d->own, "param."))
    say_values (d, "parameter", d->own + 6, into);
  else if (begins (d->own, "file."))
    say_file (d, "the file of parameter", false, into);
  else if (begins (d->own, "input.") && read_otherwise (d))
    adze_buffer_format (into, "input %s holds something else, or that plugin finds something else in it",
                        file_of (d, last_name (d)));
  else if (begins (d->own, "input."))
    say_file (d, "input", true, into);
  else if (strcmp (d->own, "build") == 0)
    say_build (d, into);
  else if (strcmp (d->own, ADZE_KEY_LIBRARY_CONTENT) == 0)
    say_library (d, into);
  else if (begins (d->own, ADZE_KEY_READER))
    say_reader (d, into);
  else if (begins (d->own, ADZE_KEY_READER_BUILD))
    say_reader_build (d, into);
  else
    say_values (d, d->own, "", into);
  adze_buffer_text (into, "\n");
}

/* Of the plugin that reads an input, and of what it read. It may have read something else of the same
 * file; and of another file of another format nobody has to be told who reads it. */
static bool
reading_worth_saying (const difference *d)
{
  const char *port = strchr (d->own, '.') + 1;
  if (begins (d->own, "input."))
    return true;
  if (!d->old || !d->now)
    return false;
  if (begins (d->own, ADZE_KEY_READER))
    return same_reader (d, port) || !port_changed (d, port, "input.");
  return !port_changed (d, port, ADZE_KEY_READER);
}

/* A plugin of another version has another build as well, and another library another content; that
 * goes without saying. */
static bool
worth_saying (const difference *d)
{
  if (is_told_elsewhere (d) || (d->old && d->now && strcmp (d->old, d->now) == 0))
    return false;
  if (begins (d->own, "library"))
    return d->old && d->now && (strcmp (d->own, "library") == 0 || !sibling_changed (d, "library"));
  if (begins (d->own, "input.") || begins (d->own, "reader"))
    return reading_worth_saying (d);
  if (strcmp (d->own, "build") != 0)
    return true;
  return d->old && d->now && !sibling_changed (d, "plugin") && !sibling_changed (d, "technique");
}

static bool
is_at (const char *part, const char *place)
{
  size_t size = place ? strlen (place) : 0;
  return place ? strncmp (part, place, size) == 0 && part[size] == '/' : place_size (part) == 0;
}

static void
look_at (const adze_value *old, const adze_value *parts, const char *place, const char *part,
         adze_buffer *into)
{
  if (is_name (part) || !is_at (part, place))
    return;
  difference d = {
    .old_parts = old,
    .new_parts = parts,
    .place_size = (int)place_size (part),
    .part = part,
    .own = own_name (part),
    .old = text_of (old, part),
    .now = text_of (parts, part),
  };
  if (worth_saying (&d))
    say (&d, into);
}

void
adze_key_explain (const adze_value *old, const adze_value *parts, const char *place,
                  adze_buffer *into)
{
  for (size_t i = 0; parts && i < parts->count; i++)
    look_at (old, parts, place, parts->items[i]->key, into);
  for (size_t i = 0; old && i < old->count; i++)
    if (!adze_value_get (parts, old->items[i]->key))
      look_at (old, parts, place, old->items[i]->key, into);
}
