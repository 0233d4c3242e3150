/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/elf.h: what an ELF file says of itself, read as hostile input.
 *
 * Every offset, count and string is checked against the file before it is followed. Nothing is
 * loaded and nothing of the file runs.
 */
#ifndef ADZE_PLUGIN_ELF_H
#define ADZE_PLUGIN_ELF_H

#include "base/value.h"

typedef struct adze_elf_symbol {
  const char *name;
  const char *version; /* "GLIBC_2.34", or NULL */
  const char *library; /* of an undefined one: the file its version is needed from, or NULL */
  bool defined;        /* for others to use */
  bool weak;
} adze_elf_symbol;

/* A version of LIBRARY that must be there. */
typedef struct adze_elf_version {
  const char *name;
  const char *library;
  bool weak;
} adze_elf_version;

typedef struct adze_elf {
  char *path;
  char *strings; /* the dynamic string table: all strings but the interpreter point into it */
  size_t strings_size;
  uint64_t size; /* of the file */
  uint16_t machine;
  char *interpreter; /* of a program, and of libraries that can be run; else NULL */
  const char *soname;
  const char *rpath; /* DT_RPATH, when there is no DT_RUNPATH */
  const char *runpath;
  const char **needed; /* needed_count of them */
  size_t needed_count;
  adze_elf_symbol *symbols; /* the dynamic ones that others can see or must provide */
  size_t symbol_count;
  adze_elf_version *versions_needed;
  size_t versions_needed_count;
  const char **versions_defined;
  size_t versions_defined_count;
  bool has_note; /* .note.adze */
  uint32_t abi_major, abi_minor;
  bool text_relocations; /* code must be made writable to load it */
  bool executable_stack;
  bool own_folders_only; /* DF_1_NODEFLIB: system folders are not searched for what it needs */
  bool not_for_dlopen;   /* DF_1_NOOPEN */
  uint64_t static_tls;   /* bytes of thread-local memory that must lie at a fixed place */
} adze_elf;

/* The dynamic part of a file. Refuses, with needed and found: what is no ELF, is cut short, is for
 * another class, byte order or machine than this program's, is no shared object, or contradicts
 * itself. The error is a refusal of step elf (find, when there is no such file); when it is the
 * machine that does not fit, it also has the fact "machine": what the file is for. */
ADZE_MUST_CHECK adze_error *adze_elf_read (const char *path, adze_elf **elf);
/* The same for a program that is linked dynamically. */
ADZE_MUST_CHECK adze_error *adze_elf_read_program (const char *path, adze_elf **elf);
/* The same for SIZE bytes of memory; PATH is what to call them. */
ADZE_MUST_CHECK adze_error *adze_elf_parse (const char *path, const char *data, size_t size,
                                            adze_elf **elf);
void adze_elf_free (adze_elf *elf);
static inline void
adze_elf_cleanup (adze_elf **elf)
{
  adze_elf_free (*elf);
}
#define ADZE_AUTO_ELF __attribute__ ((cleanup (adze_elf_cleanup))) adze_elf *

/* Only the first step of it: cheap enough to go before every load (reads the headers, not the
 * symbols). */
ADZE_MUST_CHECK adze_error *adze_elf_precheck (const char *path);

/* "x86-64", "AArch64" ... or "machine 243". Fills TEXT when it needs to; returns the name. */
#define ADZE_ELF_MACHINE_TEXT 32
const char *adze_elf_machine_name (uint16_t machine, char text[ADZE_ELF_MACHINE_TEXT]);

/* What this program was built for: "x86-64, 64 bits, little-endian". Fills and returns TEXT. */
#define ADZE_ELF_KIND_TEXT 80
const char *adze_elf_own_kind (char text[ADZE_ELF_KIND_TEXT]);

#endif
