const response = await fetch(
"https://api.seedancee2.ai/v1/videos/generations/vid_01jz8b7q4x8k2p9w3m5c6n7r8s",
{
headers: {
Authorization: "Bearer sk_seedancee2_live_xxxxx",
},
}
);
const result = await response.json();
console.log(result);
