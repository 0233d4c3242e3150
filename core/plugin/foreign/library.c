/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/library.c: a foreign library: opening it, and which version it is.
 *
 * This is the one place that calls dlopen beside our libltdl loader (plugin/loader.h). A foreign
 * library is named by its soname and found by the dynamic linker's own search (its cache, the
 * paths of the environment and of the system), exactly as a program that links to it would; the
 * loader takes absolute paths alone, and asking for one first would repeat that search badly.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "plugin/doctor/elf.h"
#include "plugin/foreign/table.h"

adze_error *
adze_foreign_library_open (const adze_foreign_library *library, void **handle, char **path)
{
  /* Everything is bound now, so that a missing symbol is found here and not in the middle of a
   * run; and local, so that its names cannot take the place of anybody else's. */
  *handle = dlopen (library->soname, RTLD_NOW | RTLD_LOCAL);
  if (!*handle) {
    const char *words = dlerror ();
    return adze_error_new (ADZE_E_NOT_FOUND, "%s", words ? words : library->soname);
  }
  struct link_map *map = NULL;
  bool known = dlinfo (*handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0];
  return adze_path_absolute (known ? map->l_name : library->soname, path);
}

adze_error *
adze_foreign_library_symbol (void *handle, const char *path, const char *symbol, void **address)
{
  dlerror ();
  *address = dlsym (handle, symbol);
  if (*address)
    return NULL;
  const char *words = dlerror ();
  if (words)
    return adze_error_new (ADZE_E_NOT_FOUND, "%s", words);
  return adze_error_new (ADZE_E_NOT_FOUND, "%s: the symbol %s is a null pointer", path, symbol);
}

char *
adze_foreign_library_of (const void *address, const char *path)
{
  Dl_info info;
  /* A library may be a thin one over others: what counts is who really computes. */
  if (dladdr (address, &info) != 0 && info.dli_fname && info.dli_fname[0] == '/') {
    char *absolute = NULL;
    adze_error_free (adze_path_absolute (info.dli_fname, &absolute));
    return absolute;
  }
  return strdup (path);
}

/* ---- Builds. */

typedef struct build_search {
  ElfW (Addr) address;
  char *text;
} build_search;

/* The notes of a segment are aligned to four bytes, names and contents alike. */
static void
notes_read (const unsigned char *at, const unsigned char *end, char *text)
{
  while ((size_t)(end - at) > sizeof (ElfW (Nhdr))) {
    ElfW (Nhdr) head;
    memcpy (&head, at, sizeof head);
    at += sizeof head;
    size_t name = ((size_t)head.n_namesz + 3) & ~(size_t)3;
    size_t size = ((size_t)head.n_descsz + 3) & ~(size_t)3;
    if (name > (size_t)(end - at) || size > (size_t)(end - at) - name)
      return;
    if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp (at, "GNU", 4) == 0
        && head.n_descsz < ADZE_BUILD_ID_TEXT / 2) {
      for (size_t i = 0; i < head.n_descsz; i++)
        snprintf (text + 2 * i, 3, "%02x", at[name + i]);
      return;
    }
    at += name + size;
  }
}

static int
build_look (struct dl_phdr_info *info, size_t size, void *context)
{
  const build_search *wanted = context;
  bool inside = false;
  (void)size;
  for (size_t i = 0; i < info->dlpi_phnum && !inside; i++) {
    const ElfW (Phdr) *segment = &info->dlpi_phdr[i];
    ElfW (Addr) first = info->dlpi_addr + segment->p_vaddr;
    inside = segment->p_type == PT_LOAD && wanted->address >= first
             && wanted->address - first < segment->p_memsz;
  }
  for (size_t i = 0; i < info->dlpi_phnum && inside; i++) {
    const ElfW (Phdr) *segment = &info->dlpi_phdr[i];
    const unsigned char *at = (const unsigned char *)(info->dlpi_addr + segment->p_vaddr);
    if (segment->p_type == PT_NOTE && !wanted->text[0])
      notes_read (at, at + segment->p_memsz, wanted->text);
  }
  return inside;
}

void
adze_foreign_build_id (const void *address, char text[ADZE_BUILD_ID_TEXT])
{
  build_search wanted = { (ElfW (Addr))(uintptr_t)address, text };
  text[0] = '\0';
  dl_iterate_phdr (build_look, &wanted);
}

/* ---- Versions. */

/* Of "libblas.so.3.11.0" what stands behind ".so."; of "libopenblas-r0.3.21.so" the number in
 * front of it. */
static bool
name_version (const char *name, adze_foreign_version *version)
{
  const char *ending = strstr (name, ".so");
  if (!ending)
    return false;
  if (ending[3] == '.')
    return adze_foreign_version_parse (ending + 4, version);
  const char *first = ending;
  while (first > name && strchr ("0123456789.", first[-1]))
    first--;
  return first < ending && adze_foreign_version_parse (first, version);
}

/* What the library says of itself, in words and as a number. */
static adze_error *
version_find (const adze_foreign_library *library, void *handle, const char *path, char **words,
              adze_foreign_version *version)
{
  bool number = false;
  if (library->version_symbol) {
    void *address = NULL;
    ADZE_TRY (adze_foreign_library_symbol (handle, path, library->version_symbol, &address));
    const char *text = ((const char *(*)(void))address) ();
    number = text && adze_foreign_version_parse (text, version);
    *words = adze_text_format ("%s () says %.80s", library->version_symbol,
                               text ? text : "nothing");
  } else if (strcmp (library->version_from, "file") == 0) {
    number = name_version (adze_path_base (path), version);
    *words = adze_text_format ("its file's name is %s", adze_path_base (path));
  } else {
    ADZE_AUTO_ELF elf = NULL;
    ADZE_TRY (adze_elf_read (path, &elf));
    number = elf->soname && name_version (elf->soname, version);
    *words = adze_text_format ("its soname is %s", elf->soname ? elf->soname : "not set");
  }
  if (!*words)
    return adze_error_memory ();
  if (number)
    return NULL;
  return adze_error_new (ADZE_E_NOT_FOUND, "%s: %s, which is no version", path, *words);
}

adze_error *
adze_foreign_library_judge (const adze_foreign_library *library, void *handle, const char *path)
{
  ADZE_AUTO_FREE char *words = NULL;
  adze_foreign_version version = { { 0 } };
  bool within = false;
  ADZE_TRY (version_find (library, handle, path, &words, &version));
  if (adze_foreign_version_within (library->versions, &version, &within) && within)
    return NULL;
  return adze_error_new (ADZE_E_NOT_FOUND, "%s: %s, which is not in '%s'", path, words,
                         library->versions);
}
