// SPDX-License-Identifier: MIT
#include "soco/distributed/launch_environment.h"

#include <gtest/gtest.h>

#include <map>

#include "soco/base/error.h"

namespace soco {
namespace {

LaunchEnvironment read(const std::map<std::string, std::string>& variables) {
  return read_launch_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(LaunchEnvironment, IsOneProcessWithoutALauncher) {
  EXPECT_EQ(read({}).world_size, 1);
  EXPECT_EQ(read({}).rank, 0);
  EXPECT_EQ(read({{"RANK", "3"}}).world_size, 1);  // not a launcher's set
}

TEST(LaunchEnvironment, ReadsTorchrun) {
  const LaunchEnvironment e = read({{"RANK", "5"},
                                    {"WORLD_SIZE", "8"},
                                    {"LOCAL_RANK", "1"},
                                    {"MASTER_ADDR", "node7"},
                                    {"MASTER_PORT", "1234"},
                                    {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                    {"TORCHELASTIC_RESTART_COUNT", "2"}});
  EXPECT_EQ(e.rank, 5);
  EXPECT_EQ(e.world_size, 8);
  EXPECT_EQ(e.local_rank, 1);
  EXPECT_EQ(e.main_host, "node7");
  EXPECT_EQ(e.main_port, 1234);
  EXPECT_TRUE(e.agent_holds_port);
  EXPECT_EQ(e.attempt, "2");
  EXPECT_EQ(e.local_world_size, 1);  // not said
}

TEST(LaunchEnvironment, ReadsSlurm) {
  std::map<std::string, std::string> slurm{
      {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"SLURM_LOCALID", "0"}, {"SLURM_JOB_NODELIST", "node3"}};
  EXPECT_EQ(read(slurm).rank, 1);
  EXPECT_EQ(read(slurm).main_host, "node3");
  EXPECT_EQ(read(slurm).main_port, 29500);
  slurm["SLURM_JOB_NODELIST"] = "node[3-4]";
  EXPECT_THROW(read(slurm), Error);  // a list that only scontrol can open
  slurm["MASTER_ADDR"] = "node3";
  EXPECT_EQ(read(slurm).main_host, "node3");
}

TEST(LaunchEnvironment, ReadsOpenMpi) {
  std::map<std::string, std::string> mpi{{"OMPI_COMM_WORLD_RANK", "1"},
                                         {"OMPI_COMM_WORLD_SIZE", "2"},
                                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  EXPECT_EQ(read(mpi).rank, 1);
  EXPECT_EQ(read(mpi).local_rank, 1);
  EXPECT_EQ(read(mpi).local_world_size, 2);
  EXPECT_EQ(read(mpi).main_host, "127.0.0.1");  // all on one host
  mpi["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  EXPECT_THROW(read(mpi), Error);
}

TEST(LaunchEnvironment, RefusesWhatMakesNoSense) {
  EXPECT_THROW(read({{"RANK", "2"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}), Error);
  EXPECT_THROW(read({{"RANK", "x"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}}), Error);
  EXPECT_THROW(read({{"RANK", "0"}, {"WORLD_SIZE", "0"}, {"LOCAL_RANK", "0"}}), Error);
  EXPECT_THROW(read({{"RANK", "0"}, {"WORLD_SIZE", "2"}}), Error);
}

}  // namespace
}  // namespace soco
