// SPDX-License-Identifier: MIT
#pragma once
#include "soco/proposals/sqlite.h"

namespace soco {

/// The seal of a closed store: XXH3-128 of the whole file, as the row `seal` of the table `meta`, so that damage to any
/// byte is found, those included that no row uses. The row's value is "seal:" and 32 digits; the checksum is that of
/// the file with 32 zeros in their place, and 32 zeros stand there while the file is open for writing, or was when its
/// process was killed. Internal to `proposals`.

/// Takes the seal off, or makes the row for one. To be called before anything else is changed.
void break_seal(SqliteDatabase& database);

/// Seals a file that is in rollback mode and that this connection alone has open for writing.
void put_seal(SqliteDatabase& database);

/// False when there is no seal. Error when it does not fit the file, or `meta` holds what no store has.
bool check_seal(SqliteDatabase& database);

}  // namespace soco
