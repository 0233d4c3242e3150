/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/libraries.c: the dynamic linker's search for libraries, by reading alone.
 *
 * The order is that of ld.so(8): DT_RPATH of whoever asks and of those that it was asked for by,
 * LD_LIBRARY_PATH, DT_RUNPATH of whoever asks, the cache, the system's folders.
 */
#include "plugin/doctor/libraries.h"

#include <string.h>
#include <sys/auxv.h>

#include "base/file.h"

#define CACHE_PATH "/etc/ld.so.cache"
#define CACHE_MAX ((size_t)64 << 20)
#define CACHE_MAGIC "glibc-ld.so.cache1.1"

/* Folders of one path list, at most: each is a call of the system for each library. */
#define FOLDER_MAX 256

/* The file's header and its entries, as ldconfig writes them. */
typedef struct cache_header {
  char magic[20];
  uint32_t count;
  uint32_t strings_size;
  uint32_t flags;
  uint32_t extension;
  uint32_t unused[3];
} cache_header;

typedef struct cache_entry {
  int32_t flags; /* the low byte: what sort of library */
  uint32_t name; /* offsets in the file */
  uint32_t path;
  uint32_t system;
  uint64_t hardware; /* not 0: for some processors only */
} cache_entry;

#define CACHE_LIBC6 3

/* One search. */
typedef struct library_hunt {
  const adze_search *search;
  const adze_closure *closure;
  size_t asker;
  adze_library *library; /* what is looked for, and what is known about it */
  adze_buffer searched;
  bool settled; /* found, or found to be of no use */
} library_hunt;

/* ---- The cache. */

static const char *
cache_string (const char *cache, size_t size, uint32_t offset)
{
  return offset < size && memchr (cache + offset, '\0', size - offset) ? cache + offset : NULL;
}

const char *
adze_library_cache_next (const char *cache, size_t size, const char *name, size_t *at)
{
  cache_header header;
  if (size < sizeof header)
    return NULL;
  memcpy (&header, cache, sizeof header);
  if (memcmp (header.magic, CACHE_MAGIC, sizeof header.magic) != 0)
    return NULL;
  size_t room = (size - sizeof header) / sizeof (cache_entry);
  size_t count = header.count < room ? header.count : room;
  while (*at < count) {
    cache_entry entry;
    memcpy (&entry, cache + sizeof header + (*at)++ * sizeof entry, sizeof entry);
    if ((entry.flags & 0xff) != CACHE_LIBC6)
      continue;
    const char *key = cache_string (cache, size, entry.name);
    if (key && strcmp (key, name) == 0)
      return cache_string (cache, size, entry.path);
  }
  return NULL;
}

/* ---- One file, one folder, one list of folders. */

/* A file that is for another machine is passed over; one that is damaged ends the search, as it
 * does for the dynamic linker. */
static adze_error *
try_file (library_hunt *hunt, const char *path)
{
  adze_library *library = hunt->library;
  adze_error *error = adze_elf_read (path, &library->elf);
  if (!error) {
    adze_error_free (adze_take (&library->trouble));
    hunt->settled = true;
  } else if (adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  else if (adze_error_status (error) == ADZE_E_NOT_FOUND || library->trouble) {
    adze_error_free (error);
    return NULL;
  } else {
    library->trouble = error;
    hunt->settled = !adze_error_fact (error, "machine")
                    && adze_error_status (error) != ADZE_E_IO;
  }
  free (library->path);
  library->path = strdup (path);
  return library->path ? NULL : adze_error_memory ();
}

static adze_error *
try_folder (library_hunt *hunt, const char *folder)
{
  if (hunt->searched.size < 2048)
    adze_buffer_format (&hunt->searched, "%s%s", hunt->searched.size ? ", " : "", folder);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, hunt->library->name);
  return path ? try_file (hunt, path) : adze_error_memory ();
}

/* "$LIB" is what the system calls its folder of libraries, below / and /usr. */
static const char *
system_name (const adze_search *search)
{
  const char *folder = search->system_folder;
  if (!folder)
    return "lib";
  return strncmp (folder, "/usr/", 5) == 0 ? folder + 5 : folder + 1;
}

static char *
folder_of (const char *path)
{
  size_t size = (size_t)(adze_path_base (path) - path);
  return size > 1 ? strndup (path, size - 1) : strdup (size == 1 ? "/" : ".");
}

/* The value of the token that TEXT (behind its dollar sign) begins with; *LENGTH is 0 for none. */
static char *
token_value (const library_hunt *hunt, const char *origin, const char *text, size_t *length)
{
  static const char *const tokens[] = { "ORIGIN", "LIB", "PLATFORM" };
  bool braced = text[0] == '{';
  *length = 0;
  for (size_t i = 0; i < ADZE_COUNT_OF (tokens); i++) {
    size_t size = strlen (tokens[i]);
    const char *end = text + braced + size;
    if (strncmp (text + braced, tokens[i], size) != 0 || (braced && *end != '}'))
      continue;
    *length = size + (braced ? 2 : 0);
    if (i == 0)
      return folder_of (origin);
    const char *platform = (const char *)(uintptr_t)getauxval (AT_PLATFORM);
    return strdup (i == 1 ? system_name (hunt->search) : platform ? platform : "");
  }
  return NULL;
}

/* Replaces $ORIGIN and its like in SIZE bytes at TEXT that stand in the file ORIGIN. */
static adze_error *
expand (const library_hunt *hunt, const char *origin, const char *text, size_t size,
        char **expanded)
{
  ADZE_AUTO (adze_buffer) result = { 0 };
  ADZE_AUTO_FREE char *copy = strndup (text, size);
  if (!copy)
    return adze_error_memory ();
  for (const char *at = copy; *at;) {
    size_t plain = strcspn (at, "$");
    adze_buffer_add (&result, at, plain);
    at += plain;
    if (*at != '$')
      break;
    size_t length;
    ADZE_AUTO_FREE char *value = token_value (hunt, origin, at + 1, &length);
    if (length > 0 && !value)
      return adze_error_memory ();
    adze_buffer_text (&result, length > 0 ? value : "$");
    at += length + 1;
  }
  return adze_buffer_finish (&result, expanded);
}

/* LIST is separated by colons (and by semicolons in LD_LIBRARY_PATH); an empty part is the current
 * folder. */
static adze_error *
try_list (library_hunt *hunt, const char *origin, const char *list, const char *separators)
{
  if (!list || !*list)
    return NULL;
  for (size_t i = 0; i < FOLDER_MAX && !hunt->settled; i++) {
    size_t size = strcspn (list, separators);
    ADZE_AUTO_FREE char *folder = NULL;
    ADZE_TRY (expand (hunt, origin, size ? list : ".", size ? size : 1, &folder));
    ADZE_TRY (try_folder (hunt, folder));
    if (list[size] == '\0')
      break;
    list += size + 1;
  }
  return NULL;
}

/* ---- The places in their order. */

static adze_error *
try_rpaths (library_hunt *hunt)
{
  const adze_library *libraries = hunt->closure->libraries;
  /* DT_RUNPATH switches the older DT_RPATH off, also that of those who asked before. */
  if (libraries[hunt->asker].elf->runpath)
    return NULL;
  for (size_t i = hunt->asker; !hunt->settled; i = libraries[i].asker) {
    ADZE_TRY (try_list (hunt, libraries[i].path, libraries[i].elf->rpath, ":"));
    if (i == libraries[i].asker)
      break;
  }
  return NULL;
}

static adze_error *
try_cache (library_hunt *hunt)
{
  const adze_search *search = hunt->search;
  const char *path;
  size_t at = 0;
  if (!search->cache)
    return NULL;
  while (!hunt->settled
         && (path = adze_library_cache_next (search->cache, search->cache_size,
                                             hunt->library->name, &at)))
    ADZE_TRY (try_file (hunt, path));
  adze_buffer_format (&hunt->searched, "%s%s", hunt->searched.size ? ", " : "", CACHE_PATH);
  return NULL;
}

static adze_error *
try_system (library_hunt *hunt)
{
  const char *const folders[]
      = { hunt->search->system_folder, "/lib", "/usr/lib", "/lib64", "/usr/lib64" };
  ADZE_TRY (try_cache (hunt));
  for (size_t i = 0; i < ADZE_COUNT_OF (folders) && !hunt->settled; i++)
    if (folders[i])
      ADZE_TRY (try_folder (hunt, folders[i]));
  return NULL;
}

static adze_error *
try_all (library_hunt *hunt)
{
  const adze_library *asker = &hunt->closure->libraries[hunt->asker];
  if (strchr (hunt->library->name, '/')) {
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_TRY (expand (hunt, asker->path, hunt->library->name, strlen (hunt->library->name),
                      &path));
    adze_buffer_text (&hunt->searched, path);
    return try_file (hunt, path);
  }
  ADZE_TRY (try_rpaths (hunt));
  if (!hunt->settled)
    ADZE_TRY (try_list (hunt, asker->path, hunt->search->library_path, ":;"));
  if (!hunt->settled)
    ADZE_TRY (try_list (hunt, asker->path, asker->elf->runpath, ":"));
  if (!hunt->settled && !asker->elf->own_folders_only)
    ADZE_TRY (try_system (hunt));
  return NULL;
}

/* ---- The closure. */

static void
library_free (adze_library *library)
{
  free (library->name);
  free (library->path);
  adze_elf_free (library->elf);
  adze_error_free (library->trouble);
  free (library->searched);
  free (library->needs);
}

void
adze_closure_cleanup (adze_closure *closure)
{
  for (size_t i = 0; i < closure->count; i++)
    library_free (&closure->libraries[i]);
  free (closure->libraries);
}

/* One that is loaded under NAME: asked for by it, or calling itself so. */
static size_t
find_known (const adze_closure *closure, const char *name)
{
  for (size_t i = 0; i < closure->count; i++) {
    const adze_library *library = &closure->libraries[i];
    if (strcmp (library->name, name) == 0
        || (library->elf && library->elf->soname && strcmp (library->elf->soname, name) == 0))
      return i;
  }
  return closure->count;
}

static adze_error *
locate (const adze_search *search, const adze_closure *program, const adze_closure *closure,
        adze_library *library)
{
  size_t known = program ? find_known (program, library->name) : 0;
  if (program && known < program->count && program->libraries[known].elf) {
    library->in_program = true;
    library->path = strdup (program->libraries[known].path);
    return library->path ? adze_elf_read_program (library->path, &library->elf)
                         : adze_error_memory ();
  }
  ADZE_AUTO (adze_buffer) none = { 0 };
  library_hunt hunt = { search, closure, library->asker, library, none, false };
  adze_error *error = try_all (&hunt);
  if (!error && !library->path)
    error = adze_buffer_finish (&hunt.searched, &library->searched);
  adze_buffer_cleanup (&hunt.searched);
  return error;
}

/* Adds NAME, which ASKER needs, unless it is there. *INDEX: which one it is. */
static adze_error *
add_library (const adze_search *search, const adze_closure *program, adze_closure *closure,
             size_t asker, const char *name, size_t *index)
{
  *index = find_known (closure, name);
  if (*index < closure->count)
    return NULL;
  if (closure->count == ADZE_CLOSURE_MAX) {
    closure->too_many = true;
    *index = asker;
    return NULL;
  }
  adze_library *library = &closure->libraries[closure->count];
  library->asker = asker;
  library->name = strdup (name);
  adze_error *error
      = library->name ? locate (search, program, closure, library) : adze_error_memory ();
  closure->count++;
  /* What the program has loaded may have been replaced since; then it is as good as gone. */
  if (error && adze_error_status (error) != ADZE_E_MEMORY) {
    library->trouble = error;
    return NULL;
  }
  return error;
}

static adze_error *
fill_closure (const adze_search *search, const adze_closure *program, adze_elf *elf,
              adze_closure *closure)
{
  closure->libraries = calloc (ADZE_CLOSURE_MAX, sizeof *closure->libraries);
  if (!closure->libraries) {
    adze_elf_free (elf);
    return adze_error_memory ();
  }
  closure->count = 1;
  closure->libraries[0].elf = elf;
  closure->libraries[0].name = strdup (elf->soname ? elf->soname : adze_path_base (elf->path));
  closure->libraries[0].path = strdup (elf->path);
  if (!closure->libraries[0].name || !closure->libraries[0].path)
    return adze_error_memory ();
  /* Breadth first, as the dynamic linker does; the list grows while it is walked. */
  for (size_t i = 0; i < closure->count; i++) {
    adze_library *library = &closure->libraries[i];
    size_t count = library->elf ? library->elf->needed_count : 0;
    library->needs = calloc (count + 1, sizeof *library->needs);
    if (!library->needs)
      return adze_error_memory ();
    for (size_t k = 0; k < count; k++)
      ADZE_TRY (add_library (search, program, closure, i, library->elf->needed[k],
                             &library->needs[k]));
  }
  return NULL;
}

adze_error *
adze_closure_of_file (const adze_search *search, const adze_closure *program, adze_elf *elf,
                      adze_closure *closure)
{
  return fill_closure (search, program, elf, closure);
}

/* ---- The places that do not depend on who asks, and the program. */

void
adze_search_cleanup (adze_search *search)
{
  free (search->cache);
  free (search->system_folder);
}

/* The dynamic linker lies in the folder that it searches last: no table of systems is needed. */
static adze_error *
find_system_folder (adze_search *search, const adze_elf *program)
{
  if (!program || !program->interpreter)
    return NULL;
  ADZE_AUTO_FREE char *path = realpath (program->interpreter, NULL);
  const char *base = path ? adze_path_base (path) : NULL;
  if (!base || base - path < 2)
    return NULL;
  search->system_folder = strndup (path, (size_t)(base - path - 1));
  return search->system_folder ? NULL : adze_error_memory ();
}

static adze_error *
open_search (adze_search *search, const adze_elf *program)
{
  adze_error *error = adze_file_read (CACHE_PATH, CACHE_MAX, &search->cache, &search->cache_size);
  if (error && adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  adze_error_free (error);
  search->library_path = getauxval (AT_SECURE) ? NULL : getenv ("LD_LIBRARY_PATH");
  return find_system_folder (search, program);
}

adze_error *
adze_closure_of_program (adze_search *search, adze_closure *program)
{
  adze_elf *elf = NULL;
  ADZE_AUTO_FREE char *path = realpath ("/proc/self/exe", NULL);
  adze_error *error = path ? adze_elf_read_program (path, &elf) : NULL;
  if (error && adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  adze_error_free (error);
  error = open_search (search, elf);
  if (error || !elf) {
    adze_elf_free (elf);
    return error;
  }
  return fill_closure (search, NULL, elf, program);
}

adze_error *
adze_search_system (const adze_search *search, const char *name, adze_elf **elf)
{
  adze_library library = { .name = strdup (name) };
  library_hunt hunt = { .search = search, .library = &library };
  adze_error *error = library.name ? try_system (&hunt) : adze_error_memory ();
  *elf = adze_take (&library.elf);
  adze_buffer_cleanup (&hunt.searched);
  library_free (&library);
  return error;
}
