// SPDX-License-Identifier: MIT
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace soco {

/// Where a detector has its trunk. kFpn: all of it below backbone.bottom_up. kC4: up to res4 below backbone, res5 in
/// the RoI heads.
enum class TrunkLayout { kFpn, kC4 };

/// One of our names as the other layout has it: backbone.bottom_up.res5.0.conv1.weight <->
/// roi_heads.res5.0.conv1.weight. Names outside the trunk stay.
std::string name_in_layout(std::string_view name, TrunkLayout layout);

/// The parts of one network whose tensors stand or fall together.
enum class NetworkPart { kTrunk, kFpn, kRpn, kBoxHead, kBoxPredictor, kMaskHead, kProjector, kPredictor };

/// All names of a network that has these parts, in the layout of kFpn and in the order of the forward pass. What varies
/// is read off `found` (names in the layout of kFpn): ResNet-18, 34, 50 or 101, a norm behind res5, convolutions and
/// linear layers of the heads, and whether pyramid and heads have norms or biases.
/// `name`: the file, for errors. Errors: a trunk that is none of these four.
std::vector<std::string> network_names(const std::set<std::string>& found, const std::vector<NetworkPart>& parts,
                                       const std::string& name);

/// The parts of which any tensor is among `found` (layout of kFpn).
std::vector<NetworkPart> parts_among(const std::set<std::string>& found);

}  // namespace soco
