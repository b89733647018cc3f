// Written by scripts/make-emoji-names.mjs from emojibase-data (MIT). Do not edit.

/**
 * Emoji without variation selectors, then "+" if skin tones may follow its persons (the tones' names are then put behind
 * its own) or a space, then the name.
 */
export const EMOJI_NAMES = `😀 grinning_face
😃 grinning_face_with_big_eyes
😄 grinning_face_with_smiling_eyes
😁 beaming_face_with_smiling_eyes
😆 grinning_squinting_face
😅 grinning_face_with_sweat
🤣 rolling_on_the_floor_laughing
😂 face_with_tears_of_joy
🙂 slightly_smiling_face
🙃 upside-down_face
🫠 melting_face
😉 winking_face
😊 smiling_face_with_smiling_eyes
😇 smiling_face_with_halo
🥰 smiling_face_with_hearts
😍 smiling_face_with_heart-eyes
🤩 star-struck
😘 face_blowing_a_kiss
😗 kissing_face
☺ smiling_face
😚 kissing_face_with_closed_eyes
😙 kissing_face_with_smiling_eyes
🥲 smiling_face_with_tear
😋 face_savoring_food
😛 face_with_tongue
😜 winking_face_with_tongue
🤪 zany_face
😝 squinting_face_with_tongue
🤑 money-mouth_face
🤗 smiling_face_with_open_hands
🤭 face_with_hand_over_mouth
🫢 face_with_open_eyes_and_hand_over_mouth
🫣 face_with_peeking_eye
🤫 shushing_face
🤔 thinking_face
🫡 saluting_face
🤐 zipper-mouth_face
🤨 face_with_raised_eyebrow
😐 neutral_face
😑 expressionless_face
😶 face_without_mouth
🫥 dotted_line_face
😶‍🌫 face_in_clouds
😏 smirking_face
😒 unamused_face
🙄 face_with_rolling_eyes
😬 grimacing_face
😮‍💨 face_exhaling
🤥 lying_face
😌 relieved_face
😔 pensive_face
😪 sleepy_face
🤤 drooling_face
😴 sleeping_face
😷 face_with_medical_mask
🤒 face_with_thermometer
🤕 face_with_head-bandage
🤢 nauseated_face
🤮 face_vomiting
🤧 sneezing_face
🥵 hot_face
🥶 cold_face
🥴 woozy_face
😵 face_with_crossed-out_eyes
😵‍💫 face_with_spiral_eyes
🤯 exploding_head
🤠 cowboy_hat_face
🥳 partying_face
🥸 disguised_face
😎 smiling_face_with_sunglasses
🤓 nerd_face
🧐 face_with_monocle
😕 confused_face
🫤 face_with_diagonal_mouth
😟 worried_face
🙁 slightly_frowning_face
☹ frowning_face
😮 face_with_open_mouth
😯 hushed_face
😲 astonished_face
😳 flushed_face
🥺 pleading_face
🥹 face_holding_back_tears
😦 frowning_face_with_open_mouth
😧 anguished_face
😨 fearful_face
😰 anxious_face_with_sweat
😥 sad_but_relieved_face
😢 crying_face
😭 loudly_crying_face
😱 face_screaming_in_fear
😖 confounded_face
😣 persevering_face
😞 disappointed_face
😓 downcast_face_with_sweat
😩 weary_face
😫 tired_face
🥱 yawning_face
😤 face_with_steam_from_nose
😡 pouting_face
😠 angry_face
🤬 face_with_symbols_on_mouth
😈 smiling_face_with_horns
👿 angry_face_with_horns
💀 skull
☠ skull_and_crossbones
💩 pile_of_poo
🤡 clown_face
👹 ogre
👺 goblin
👻 ghost
👽 alien
👾 alien_monster
🤖 robot
😺 grinning_cat
😸 grinning_cat_with_smiling_eyes
😹 cat_with_tears_of_joy
😻 smiling_cat_with_heart-eyes
😼 cat_with_wry_smile
😽 kissing_cat
🙀 weary_cat
😿 crying_cat
😾 pouting_cat
🙈 see-no-evil_monkey
🙉 hear-no-evil_monkey
🙊 speak-no-evil_monkey
💌 love_letter
💘 heart_with_arrow
💝 heart_with_ribbon
💖 sparkling_heart
💗 growing_heart
💓 beating_heart
💞 revolving_hearts
💕 two_hearts
💟 heart_decoration
❣ heart_exclamation
💔 broken_heart
❤‍🔥 heart_on_fire
❤‍🩹 mending_heart
❤ red_heart
🧡 orange_heart
💛 yellow_heart
💚 green_heart
💙 blue_heart
💜 purple_heart
🤎 brown_heart
🖤 black_heart
🤍 white_heart
💋 kiss_mark
💯 hundred_points
💢 anger_symbol
💥 collision
💫 dizzy
💦 sweat_droplets
💨 dashing_away
🕳 hole
💬 speech_balloon
👁‍🗨 eye_in_speech_bubble
🗨 left_speech_bubble
🗯 right_anger_bubble
💭 thought_balloon
💤 zzz
👋+waving_hand
🤚+raised_back_of_hand
🖐+hand_with_fingers_splayed
✋+raised_hand
🖖+vulcan_salute
🫱+rightwards_hand
🫲+leftwards_hand
🫳+palm_down_hand
🫴+palm_up_hand
👌+OK_hand
🤌+pinched_fingers
🤏+pinching_hand
✌+victory_hand
🤞+crossed_fingers
🫰+hand_with_index_finger_and_thumb_crossed
🤟+love-you_gesture
🤘+sign_of_the_horns
🤙+call_me_hand
👈+backhand_index_pointing_left
👉+backhand_index_pointing_right
👆+backhand_index_pointing_up
🖕+middle_finger
👇+backhand_index_pointing_down
☝+index_pointing_up
🫵+index_pointing_at_the_viewer
👍+thumbs_up
👎+thumbs_down
✊+raised_fist
👊+oncoming_fist
🤛+left-facing_fist
🤜+right-facing_fist
👏+clapping_hands
🙌+raising_hands
🫶+heart_hands
👐+open_hands
🤲+palms_up_together
🤝+handshake
🙏+folded_hands
✍+writing_hand
💅+nail_polish
🤳+selfie
💪+flexed_biceps
🦾 mechanical_arm
🦿 mechanical_leg
🦵+leg
🦶+foot
👂+ear
🦻+ear_with_hearing_aid
👃+nose
🧠 brain
🫀 anatomical_heart
🫁 lungs
🦷 tooth
🦴 bone
👀 eyes
👁 eye
👅 tongue
👄 mouth
🫦 biting_lip
👶+baby
🧒+child
👦+boy
👧+girl
🧑+person
👱+person_blond_hair
👨+man
🧔+person_beard
🧔‍♂+man_beard
🧔‍♀+woman_beard
👨‍🦰+man_red_hair
👨‍🦱+man_curly_hair
👨‍🦳+man_white_hair
👨‍🦲+man_bald
👩+woman
👩‍🦰+woman_red_hair
🧑‍🦰+person_red_hair
👩‍🦱+woman_curly_hair
🧑‍🦱+person_curly_hair
👩‍🦳+woman_white_hair
🧑‍🦳+person_white_hair
👩‍🦲+woman_bald
🧑‍🦲+person_bald
👱‍♀+woman_blond_hair
👱‍♂+man_blond_hair
🧓+older_person
👴+old_man
👵+old_woman
🙍+person_frowning
🙍‍♂+man_frowning
🙍‍♀+woman_frowning
🙎+person_pouting
🙎‍♂+man_pouting
🙎‍♀+woman_pouting
🙅+person_gesturing_NO
🙅‍♂+man_gesturing_NO
🙅‍♀+woman_gesturing_NO
🙆+person_gesturing_OK
🙆‍♂+man_gesturing_OK
🙆‍♀+woman_gesturing_OK
💁+person_tipping_hand
💁‍♂+man_tipping_hand
💁‍♀+woman_tipping_hand
🙋+person_raising_hand
🙋‍♂+man_raising_hand
🙋‍♀+woman_raising_hand
🧏+deaf_person
🧏‍♂+deaf_man
🧏‍♀+deaf_woman
🙇+person_bowing
🙇‍♂+man_bowing
🙇‍♀+woman_bowing
🤦+person_facepalming
🤦‍♂+man_facepalming
🤦‍♀+woman_facepalming
🤷+person_shrugging
🤷‍♂+man_shrugging
🤷‍♀+woman_shrugging
🧑‍⚕+health_worker
👨‍⚕+man_health_worker
👩‍⚕+woman_health_worker
🧑‍🎓+student
👨‍🎓+man_student
👩‍🎓+woman_student
🧑‍🏫+teacher
👨‍🏫+man_teacher
👩‍🏫+woman_teacher
🧑‍⚖+judge
👨‍⚖+man_judge
👩‍⚖+woman_judge
🧑‍🌾+farmer
👨‍🌾+man_farmer
👩‍🌾+woman_farmer
🧑‍🍳+cook
👨‍🍳+man_cook
👩‍🍳+woman_cook
🧑‍🔧+mechanic
👨‍🔧+man_mechanic
👩‍🔧+woman_mechanic
🧑‍🏭+factory_worker
👨‍🏭+man_factory_worker
👩‍🏭+woman_factory_worker
🧑‍💼+office_worker
👨‍💼+man_office_worker
👩‍💼+woman_office_worker
🧑‍🔬+scientist
👨‍🔬+man_scientist
👩‍🔬+woman_scientist
🧑‍💻+technologist
👨‍💻+man_technologist
👩‍💻+woman_technologist
🧑‍🎤+singer
👨‍🎤+man_singer
👩‍🎤+woman_singer
🧑‍🎨+artist
👨‍🎨+man_artist
👩‍🎨+woman_artist
🧑‍✈+pilot
👨‍✈+man_pilot
👩‍✈+woman_pilot
🧑‍🚀+astronaut
👨‍🚀+man_astronaut
👩‍🚀+woman_astronaut
🧑‍🚒+firefighter
👨‍🚒+man_firefighter
👩‍🚒+woman_firefighter
👮+police_officer
👮‍♂+man_police_officer
👮‍♀+woman_police_officer
🕵+detective
🕵‍♂+man_detective
🕵‍♀+woman_detective
💂+guard
💂‍♂+man_guard
💂‍♀+woman_guard
🥷+ninja
👷+construction_worker
👷‍♂+man_construction_worker
👷‍♀+woman_construction_worker
🫅+person_with_crown
🤴+prince
👸+princess
👳+person_wearing_turban
👳‍♂+man_wearing_turban
👳‍♀+woman_wearing_turban
👲+person_with_skullcap
🧕+woman_with_headscarf
🤵+person_in_tuxedo
🤵‍♂+man_in_tuxedo
🤵‍♀+woman_in_tuxedo
👰+person_with_veil
👰‍♂+man_with_veil
👰‍♀+woman_with_veil
🤰+pregnant_woman
🫃+pregnant_man
🫄+pregnant_person
🤱+breast-feeding
👩‍🍼+woman_feeding_baby
👨‍🍼+man_feeding_baby
🧑‍🍼+person_feeding_baby
👼+baby_angel
🎅+Santa_Claus
🤶+Mrs._Claus
🧑‍🎄+mx_claus
🦸+superhero
🦸‍♂+man_superhero
🦸‍♀+woman_superhero
🦹+supervillain
🦹‍♂+man_supervillain
🦹‍♀+woman_supervillain
🧙+mage
🧙‍♂+man_mage
🧙‍♀+woman_mage
🧚+fairy
🧚‍♂+man_fairy
🧚‍♀+woman_fairy
🧛+vampire
🧛‍♂+man_vampire
🧛‍♀+woman_vampire
🧜+merperson
🧜‍♂+merman
🧜‍♀+mermaid
🧝+elf
🧝‍♂+man_elf
🧝‍♀+woman_elf
🧞 genie
🧞‍♂ man_genie
🧞‍♀ woman_genie
🧟 zombie
🧟‍♂ man_zombie
🧟‍♀ woman_zombie
🧌 troll
💆+person_getting_massage
💆‍♂+man_getting_massage
💆‍♀+woman_getting_massage
💇+person_getting_haircut
💇‍♂+man_getting_haircut
💇‍♀+woman_getting_haircut
🚶+person_walking
🚶‍♂+man_walking
🚶‍♀+woman_walking
🧍+person_standing
🧍‍♂+man_standing
🧍‍♀+woman_standing
🧎+person_kneeling
🧎‍♂+man_kneeling
🧎‍♀+woman_kneeling
🧑‍🦯+person_with_white_cane
👨‍🦯+man_with_white_cane
👩‍🦯+woman_with_white_cane
🧑‍🦼+person_in_motorized_wheelchair
👨‍🦼+man_in_motorized_wheelchair
👩‍🦼+woman_in_motorized_wheelchair
🧑‍🦽+person_in_manual_wheelchair
👨‍🦽+man_in_manual_wheelchair
👩‍🦽+woman_in_manual_wheelchair
🏃+person_running
🏃‍♂+man_running
🏃‍♀+woman_running
💃+woman_dancing
🕺+man_dancing
🕴+person_in_suit_levitating
👯+people_with_bunny_ears
👯‍♂+men_with_bunny_ears
👯‍♀+women_with_bunny_ears
🧖+person_in_steamy_room
🧖‍♂+man_in_steamy_room
🧖‍♀+woman_in_steamy_room
🧗+person_climbing
🧗‍♂+man_climbing
🧗‍♀+woman_climbing
🤺 person_fencing
🏇+horse_racing
⛷ skier
🏂+snowboarder
🏌+person_golfing
🏌‍♂+man_golfing
🏌‍♀+woman_golfing
🏄+person_surfing
🏄‍♂+man_surfing
🏄‍♀+woman_surfing
🚣+person_rowing_boat
🚣‍♂+man_rowing_boat
🚣‍♀+woman_rowing_boat
🏊+person_swimming
🏊‍♂+man_swimming
🏊‍♀+woman_swimming
⛹+person_bouncing_ball
⛹‍♂+man_bouncing_ball
⛹‍♀+woman_bouncing_ball
🏋+person_lifting_weights
🏋‍♂+man_lifting_weights
🏋‍♀+woman_lifting_weights
🚴+person_biking
🚴‍♂+man_biking
🚴‍♀+woman_biking
🚵+person_mountain_biking
🚵‍♂+man_mountain_biking
🚵‍♀+woman_mountain_biking
🤸+person_cartwheeling
🤸‍♂+man_cartwheeling
🤸‍♀+woman_cartwheeling
🤼+people_wrestling
🤼‍♂+men_wrestling
🤼‍♀+women_wrestling
🤽+person_playing_water_polo
🤽‍♂+man_playing_water_polo
🤽‍♀+woman_playing_water_polo
🤾+person_playing_handball
🤾‍♂+man_playing_handball
🤾‍♀+woman_playing_handball
🤹+person_juggling
🤹‍♂+man_juggling
🤹‍♀+woman_juggling
🧘+person_in_lotus_position
🧘‍♂+man_in_lotus_position
🧘‍♀+woman_in_lotus_position
🛀+person_taking_bath
🛌+person_in_bed
🧑‍🤝‍🧑+people_holding_hands
👭+women_holding_hands
👫+woman_and_man_holding_hands
👬+men_holding_hands
💏+kiss
👩‍❤‍💋‍👨+kiss_woman_man
👨‍❤‍💋‍👨+kiss_man_man
👩‍❤‍💋‍👩+kiss_woman_woman
💑+couple_with_heart
👩‍❤‍👨+couple_with_heart_woman_man
👨‍❤‍👨+couple_with_heart_man_man
👩‍❤‍👩+couple_with_heart_woman_woman
👨‍👩‍👦 family_man_woman_boy
👨‍👩‍👧 family_man_woman_girl
👨‍👩‍👧‍👦 family_man_woman_girl_boy
👨‍👩‍👦‍👦 family_man_woman_boy_boy
👨‍👩‍👧‍👧 family_man_woman_girl_girl
👨‍👨‍👦 family_man_man_boy
👨‍👨‍👧 family_man_man_girl
👨‍👨‍👧‍👦 family_man_man_girl_boy
👨‍👨‍👦‍👦 family_man_man_boy_boy
👨‍👨‍👧‍👧 family_man_man_girl_girl
👩‍👩‍👦 family_woman_woman_boy
👩‍👩‍👧 family_woman_woman_girl
👩‍👩‍👧‍👦 family_woman_woman_girl_boy
👩‍👩‍👦‍👦 family_woman_woman_boy_boy
👩‍👩‍👧‍👧 family_woman_woman_girl_girl
👨‍👦 family_man_boy
👨‍👦‍👦 family_man_boy_boy
👨‍👧 family_man_girl
👨‍👧‍👦 family_man_girl_boy
👨‍👧‍👧 family_man_girl_girl
👩‍👦 family_woman_boy
👩‍👦‍👦 family_woman_boy_boy
👩‍👧 family_woman_girl
👩‍👧‍👦 family_woman_girl_boy
👩‍👧‍👧 family_woman_girl_girl
🗣 speaking_head
👤 bust_in_silhouette
👥 busts_in_silhouette
🫂 people_hugging
👪 family
👣 footprints
🏻 light_skin_tone
🏼 medium-light_skin_tone
🏽 medium_skin_tone
🏾 medium-dark_skin_tone
🏿 dark_skin_tone
🦰 red_hair
🦱 curly_hair
🦳 white_hair
🦲 bald
🐵 monkey_face
🐒 monkey
🦍 gorilla
🦧 orangutan
🐶 dog_face
🐕 dog
🦮 guide_dog
🐕‍🦺 service_dog
🐩 poodle
🐺 wolf
🦊 fox
🦝 raccoon
🐱 cat_face
🐈 cat
🐈‍⬛ black_cat
🦁 lion
🐯 tiger_face
🐅 tiger
🐆 leopard
🐴 horse_face
🐎 horse
🦄 unicorn
🦓 zebra
🦌 deer
🦬 bison
🐮 cow_face
🐂 ox
🐃 water_buffalo
🐄 cow
🐷 pig_face
🐖 pig
🐗 boar
🐽 pig_nose
🐏 ram
🐑 ewe
🐐 goat
🐪 camel
🐫 two-hump_camel
🦙 llama
🦒 giraffe
🐘 elephant
🦣 mammoth
🦏 rhinoceros
🦛 hippopotamus
🐭 mouse_face
🐁 mouse
🐀 rat
🐹 hamster
🐰 rabbit_face
🐇 rabbit
🐿 chipmunk
🦫 beaver
🦔 hedgehog
🦇 bat
🐻 bear
🐻‍❄ polar_bear
🐨 koala
🐼 panda
🦥 sloth
🦦 otter
🦨 skunk
🦘 kangaroo
🦡 badger
🐾 paw_prints
🦃 turkey
🐔 chicken
🐓 rooster
🐣 hatching_chick
🐤 baby_chick
🐥 front-facing_baby_chick
🐦 bird
🐧 penguin
🕊 dove
🦅 eagle
🦆 duck
🦢 swan
🦉 owl
🦤 dodo
🪶 feather
🦩 flamingo
🦚 peacock
🦜 parrot
🐸 frog
🐊 crocodile
🐢 turtle
🦎 lizard
🐍 snake
🐲 dragon_face
🐉 dragon
🦕 sauropod
🦖 T-Rex
🐳 spouting_whale
🐋 whale
🐬 dolphin
🦭 seal
🐟 fish
🐠 tropical_fish
🐡 blowfish
🦈 shark
🐙 octopus
🐚 spiral_shell
🪸 coral
🦀 crab
🦞 lobster
🦐 shrimp
🦑 squid
🦪 oyster
🐌 snail
🦋 butterfly
🐛 bug
🐜 ant
🐝 honeybee
🪲 beetle
🐞 lady_beetle
🦗 cricket
🪳 cockroach
🕷 spider
🕸 spider_web
🦂 scorpion
🦟 mosquito
🪰 fly
🪱 worm
🦠 microbe
💐 bouquet
🌸 cherry_blossom
💮 white_flower
🪷 lotus
🏵 rosette
🌹 rose
🥀 wilted_flower
🌺 hibiscus
🌻 sunflower
🌼 blossom
🌷 tulip
🌱 seedling
🪴 potted_plant
🌲 evergreen_tree
🌳 deciduous_tree
🌴 palm_tree
🌵 cactus
🌾 sheaf_of_rice
🌿 herb
☘ shamrock
🍀 four_leaf_clover
🍁 maple_leaf
🍂 fallen_leaf
🍃 leaf_fluttering_in_wind
🪹 empty_nest
🪺 nest_with_eggs
🍄 mushroom
🍇 grapes
🍈 melon
🍉 watermelon
🍊 tangerine
🍋 lemon
🍌 banana
🍍 pineapple
🥭 mango
🍎 red_apple
🍏 green_apple
🍐 pear
🍑 peach
🍒 cherries
🍓 strawberry
🫐 blueberries
🥝 kiwi_fruit
🍅 tomato
🫒 olive
🥥 coconut
🥑 avocado
🍆 eggplant
🥔 potato
🥕 carrot
🌽 ear_of_corn
🌶 hot_pepper
🫑 bell_pepper
🥒 cucumber
🥬 leafy_green
🥦 broccoli
🧄 garlic
🧅 onion
🥜 peanuts
🫘 beans
🌰 chestnut
🍞 bread
🥐 croissant
🥖 baguette_bread
🫓 flatbread
🥨 pretzel
🥯 bagel
🥞 pancakes
🧇 waffle
🧀 cheese_wedge
🍖 meat_on_bone
🍗 poultry_leg
🥩 cut_of_meat
🥓 bacon
🍔 hamburger
🍟 french_fries
🍕 pizza
🌭 hot_dog
🥪 sandwich
🌮 taco
🌯 burrito
🫔 tamale
🥙 stuffed_flatbread
🧆 falafel
🥚 egg
🍳 cooking
🥘 shallow_pan_of_food
🍲 pot_of_food
🫕 fondue
🥣 bowl_with_spoon
🥗 green_salad
🍿 popcorn
🧈 butter
🧂 salt
🥫 canned_food
🍱 bento_box
🍘 rice_cracker
🍙 rice_ball
🍚 cooked_rice
🍛 curry_rice
🍜 steaming_bowl
🍝 spaghetti
🍠 roasted_sweet_potato
🍢 oden
🍣 sushi
🍤 fried_shrimp
🍥 fish_cake_with_swirl
🥮 moon_cake
🍡 dango
🥟 dumpling
🥠 fortune_cookie
🥡 takeout_box
🍦 soft_ice_cream
🍧 shaved_ice
🍨 ice_cream
🍩 doughnut
🍪 cookie
🎂 birthday_cake
🍰 shortcake
🧁 cupcake
🥧 pie
🍫 chocolate_bar
🍬 candy
🍭 lollipop
🍮 custard
🍯 honey_pot
🍼 baby_bottle
🥛 glass_of_milk
☕ hot_beverage
🫖 teapot
🍵 teacup_without_handle
🍶 sake
🍾 bottle_with_popping_cork
🍷 wine_glass
🍸 cocktail_glass
🍹 tropical_drink
🍺 beer_mug
🍻 clinking_beer_mugs
🥂 clinking_glasses
🥃 tumbler_glass
🫗 pouring_liquid
🥤 cup_with_straw
🧋 bubble_tea
🧃 beverage_box
🧉 mate
🧊 ice
🥢 chopsticks
🍽 fork_and_knife_with_plate
🍴 fork_and_knife
🥄 spoon
🔪 kitchen_knife
🫙 jar
🏺 amphora
🌍 globe_showing_Europe-Africa
🌎 globe_showing_Americas
🌏 globe_showing_Asia-Australia
🌐 globe_with_meridians
🗺 world_map
🗾 map_of_Japan
🧭 compass
🏔 snow-capped_mountain
⛰ mountain
🌋 volcano
🗻 mount_fuji
🏕 camping
🏖 beach_with_umbrella
🏜 desert
🏝 desert_island
🏞 national_park
🏟 stadium
🏛 classical_building
🏗 building_construction
🧱 brick
🪨 rock
🪵 wood
🛖 hut
🏘 houses
🏚 derelict_house
🏠 house
🏡 house_with_garden
🏢 office_building
🏣 Japanese_post_office
🏤 post_office
🏥 hospital
🏦 bank
🏨 hotel
🏩 love_hotel
🏪 convenience_store
🏫 school
🏬 department_store
🏭 factory
🏯 Japanese_castle
🏰 castle
💒 wedding
🗼 Tokyo_tower
🗽 Statue_of_Liberty
⛪ church
🕌 mosque
🛕 hindu_temple
🕍 synagogue
⛩ shinto_shrine
🕋 kaaba
⛲ fountain
⛺ tent
🌁 foggy
🌃 night_with_stars
🏙 cityscape
🌄 sunrise_over_mountains
🌅 sunrise
🌆 cityscape_at_dusk
🌇 sunset
🌉 bridge_at_night
♨ hot_springs
🎠 carousel_horse
🛝 playground_slide
🎡 ferris_wheel
🎢 roller_coaster
💈 barber_pole
🎪 circus_tent
🚂 locomotive
🚃 railway_car
🚄 high-speed_train
🚅 bullet_train
🚆 train
🚇 metro
🚈 light_rail
🚉 station
🚊 tram
🚝 monorail
🚞 mountain_railway
🚋 tram_car
🚌 bus
🚍 oncoming_bus
🚎 trolleybus
🚐 minibus
🚑 ambulance
🚒 fire_engine
🚓 police_car
🚔 oncoming_police_car
🚕 taxi
🚖 oncoming_taxi
🚗 automobile
🚘 oncoming_automobile
🚙 sport_utility_vehicle
🛻 pickup_truck
🚚 delivery_truck
🚛 articulated_lorry
🚜 tractor
🏎 racing_car
🏍 motorcycle
🛵 motor_scooter
🦽 manual_wheelchair
🦼 motorized_wheelchair
🛺 auto_rickshaw
🚲 bicycle
🛴 kick_scooter
🛹 skateboard
🛼 roller_skate
🚏 bus_stop
🛣 motorway
🛤 railway_track
🛢 oil_drum
⛽ fuel_pump
🛞 wheel
🚨 police_car_light
🚥 horizontal_traffic_light
🚦 vertical_traffic_light
🛑 stop_sign
🚧 construction
⚓ anchor
🛟 ring_buoy
⛵ sailboat
🛶 canoe
🚤 speedboat
🛳 passenger_ship
⛴ ferry
🛥 motor_boat
🚢 ship
✈ airplane
🛩 small_airplane
🛫 airplane_departure
🛬 airplane_arrival
🪂 parachute
💺 seat
🚁 helicopter
🚟 suspension_railway
🚠 mountain_cableway
🚡 aerial_tramway
🛰 satellite
🚀 rocket
🛸 flying_saucer
🛎 bellhop_bell
🧳 luggage
⌛ hourglass_done
⏳ hourglass_not_done
⌚ watch
⏰ alarm_clock
⏱ stopwatch
⏲ timer_clock
🕰 mantelpiece_clock
🕛 twelve_o’clock
🕧 twelve-thirty
🕐 one_o’clock
🕜 one-thirty
🕑 two_o’clock
🕝 two-thirty
🕒 three_o’clock
🕞 three-thirty
🕓 four_o’clock
🕟 four-thirty
🕔 five_o’clock
🕠 five-thirty
🕕 six_o’clock
🕡 six-thirty
🕖 seven_o’clock
🕢 seven-thirty
🕗 eight_o’clock
🕣 eight-thirty
🕘 nine_o’clock
🕤 nine-thirty
🕙 ten_o’clock
🕥 ten-thirty
🕚 eleven_o’clock
🕦 eleven-thirty
🌑 new_moon
🌒 waxing_crescent_moon
🌓 first_quarter_moon
🌔 waxing_gibbous_moon
🌕 full_moon
🌖 waning_gibbous_moon
🌗 last_quarter_moon
🌘 waning_crescent_moon
🌙 crescent_moon
🌚 new_moon_face
🌛 first_quarter_moon_face
🌜 last_quarter_moon_face
🌡 thermometer
☀ sun
🌝 full_moon_face
🌞 sun_with_face
🪐 ringed_planet
⭐ star
🌟 glowing_star
🌠 shooting_star
🌌 milky_way
☁ cloud
⛅ sun_behind_cloud
⛈ cloud_with_lightning_and_rain
🌤 sun_behind_small_cloud
🌥 sun_behind_large_cloud
🌦 sun_behind_rain_cloud
🌧 cloud_with_rain
🌨 cloud_with_snow
🌩 cloud_with_lightning
🌪 tornado
🌫 fog
🌬 wind_face
🌀 cyclone
🌈 rainbow
🌂 closed_umbrella
☂ umbrella
☔ umbrella_with_rain_drops
⛱ umbrella_on_ground
⚡ high_voltage
❄ snowflake
☃ snowman
⛄ snowman_without_snow
☄ comet
🔥 fire
💧 droplet
🌊 water_wave
🎃 jack-o-lantern
🎄 Christmas_tree
🎆 fireworks
🎇 sparkler
🧨 firecracker
✨ sparkles
🎈 balloon
🎉 party_popper
🎊 confetti_ball
🎋 tanabata_tree
🎍 pine_decoration
🎎 Japanese_dolls
🎏 carp_streamer
🎐 wind_chime
🎑 moon_viewing_ceremony
🧧 red_envelope
🎀 ribbon
🎁 wrapped_gift
🎗 reminder_ribbon
🎟 admission_tickets
🎫 ticket
🎖 military_medal
🏆 trophy
🏅 sports_medal
🥇 1st_place_medal
🥈 2nd_place_medal
🥉 3rd_place_medal
⚽ soccer_ball
⚾ baseball
🥎 softball
🏀 basketball
🏐 volleyball
🏈 american_football
🏉 rugby_football
🎾 tennis
🥏 flying_disc
🎳 bowling
🏏 cricket_game
🏑 field_hockey
🏒 ice_hockey
🥍 lacrosse
🏓 ping_pong
🏸 badminton
🥊 boxing_glove
🥋 martial_arts_uniform
🥅 goal_net
⛳ flag_in_hole
⛸ ice_skate
🎣 fishing_pole
🤿 diving_mask
🎽 running_shirt
🎿 skis
🛷 sled
🥌 curling_stone
🎯 bullseye
🪀 yo-yo
🪁 kite
🔫 water_pistol
🎱 pool_8_ball
🔮 crystal_ball
🪄 magic_wand
🎮 video_game
🕹 joystick
🎰 slot_machine
🎲 game_die
🧩 puzzle_piece
🧸 teddy_bear
🪅 piñata
🪩 mirror_ball
🪆 nesting_dolls
♠ spade_suit
♥ heart_suit
♦ diamond_suit
♣ club_suit
♟ chess_pawn
🃏 joker
🀄 mahjong_red_dragon
🎴 flower_playing_cards
🎭 performing_arts
🖼 framed_picture
🎨 artist_palette
🧵 thread
🪡 sewing_needle
🧶 yarn
🪢 knot
👓 glasses
🕶 sunglasses
🥽 goggles
🥼 lab_coat
🦺 safety_vest
👔 necktie
👕 t-shirt
👖 jeans
🧣 scarf
🧤 gloves
🧥 coat
🧦 socks
👗 dress
👘 kimono
🥻 sari
🩱 one-piece_swimsuit
🩲 briefs
🩳 shorts
👙 bikini
👚 woman’s_clothes
👛 purse
👜 handbag
👝 clutch_bag
🛍 shopping_bags
🎒 backpack
🩴 thong_sandal
👞 man’s_shoe
👟 running_shoe
🥾 hiking_boot
🥿 flat_shoe
👠 high-heeled_shoe
👡 woman’s_sandal
🩰 ballet_shoes
👢 woman’s_boot
👑 crown
👒 woman’s_hat
🎩 top_hat
🎓 graduation_cap
🧢 billed_cap
🪖 military_helmet
⛑ rescue_worker’s_helmet
📿 prayer_beads
💄 lipstick
💍 ring
💎 gem_stone
🔇 muted_speaker
🔈 speaker_low_volume
🔉 speaker_medium_volume
🔊 speaker_high_volume
📢 loudspeaker
📣 megaphone
📯 postal_horn
🔔 bell
🔕 bell_with_slash
🎼 musical_score
🎵 musical_note
🎶 musical_notes
🎙 studio_microphone
🎚 level_slider
🎛 control_knobs
🎤 microphone
🎧 headphone
📻 radio
🎷 saxophone
🎺 trumpet
🪗 accordion
🎸 guitar
🎹 musical_keyboard
🎻 violin
🪕 banjo
🥁 drum
🪘 long_drum
📱 mobile_phone
📲 mobile_phone_with_arrow
☎ telephone
📞 telephone_receiver
📟 pager
📠 fax_machine
🔋 battery
🪫 low_battery
🔌 electric_plug
💻 laptop
🖥 desktop_computer
🖨 printer
⌨ keyboard
🖱 computer_mouse
🖲 trackball
💽 computer_disk
💾 floppy_disk
💿 optical_disk
📀 dvd
🧮 abacus
🎥 movie_camera
🎞 film_frames
📽 film_projector
🎬 clapper_board
📺 television
📷 camera
📸 camera_with_flash
📹 video_camera
📼 videocassette
🔍 magnifying_glass_tilted_left
🔎 magnifying_glass_tilted_right
🕯 candle
💡 light_bulb
🔦 flashlight
🏮 red_paper_lantern
🪔 diya_lamp
📔 notebook_with_decorative_cover
📕 closed_book
📖 open_book
📗 green_book
📘 blue_book
📙 orange_book
📚 books
📓 notebook
📒 ledger
📃 page_with_curl
📜 scroll
📄 page_facing_up
📰 newspaper
🗞 rolled-up_newspaper
📑 bookmark_tabs
🔖 bookmark
🏷 label
🪙 coin
💰 money_bag
💴 yen_banknote
💵 dollar_banknote
💶 euro_banknote
💷 pound_banknote
💸 money_with_wings
💳 credit_card
🧾 receipt
💹 chart_increasing_with_yen
✉ envelope
📧 e-mail
📨 incoming_envelope
📩 envelope_with_arrow
📤 outbox_tray
📥 inbox_tray
📦 package
📫 closed_mailbox_with_raised_flag
📪 closed_mailbox_with_lowered_flag
📬 open_mailbox_with_raised_flag
📭 open_mailbox_with_lowered_flag
📮 postbox
🗳 ballot_box_with_ballot
✏ pencil
✒ black_nib
🖋 fountain_pen
🖊 pen
🖌 paintbrush
🖍 crayon
📝 memo
💼 briefcase
📁 file_folder
📂 open_file_folder
🗂 card_index_dividers
📅 calendar
📆 tear-off_calendar
🗒 spiral_notepad
🗓 spiral_calendar
📇 card_index
📈 chart_increasing
📉 chart_decreasing
📊 bar_chart
📋 clipboard
📌 pushpin
📍 round_pushpin
📎 paperclip
🖇 linked_paperclips
📏 straight_ruler
📐 triangular_ruler
✂ scissors
🗃 card_file_box
🗄 file_cabinet
🗑 wastebasket
🔒 locked
🔓 unlocked
🔏 locked_with_pen
🔐 locked_with_key
🔑 key
🗝 old_key
🔨 hammer
🪓 axe
⛏ pick
⚒ hammer_and_pick
🛠 hammer_and_wrench
🗡 dagger
⚔ crossed_swords
💣 bomb
🪃 boomerang
🏹 bow_and_arrow
🛡 shield
🪚 carpentry_saw
🔧 wrench
🪛 screwdriver
🔩 nut_and_bolt
⚙ gear
🗜 clamp
⚖ balance_scale
🦯 white_cane
🔗 link
⛓ chains
🪝 hook
🧰 toolbox
🧲 magnet
🪜 ladder
⚗ alembic
🧪 test_tube
🧫 petri_dish
🧬 dna
🔬 microscope
🔭 telescope
📡 satellite_antenna
💉 syringe
🩸 drop_of_blood
💊 pill
🩹 adhesive_bandage
🩼 crutch
🩺 stethoscope
🩻 x-ray
🚪 door
🛗 elevator
🪞 mirror
🪟 window
🛏 bed
🛋 couch_and_lamp
🪑 chair
🚽 toilet
🪠 plunger
🚿 shower
🛁 bathtub
🪤 mouse_trap
🪒 razor
🧴 lotion_bottle
🧷 safety_pin
🧹 broom
🧺 basket
🧻 roll_of_paper
🪣 bucket
🧼 soap
🫧 bubbles
🪥 toothbrush
🧽 sponge
🧯 fire_extinguisher
🛒 shopping_cart
🚬 cigarette
⚰ coffin
🪦 headstone
⚱ funeral_urn
🧿 nazar_amulet
🪬 hamsa
🗿 moai
🪧 placard
🪪 identification_card
🏧 ATM_sign
🚮 litter_in_bin_sign
🚰 potable_water
♿ wheelchair_symbol
🚹 men’s_room
🚺 women’s_room
🚻 restroom
🚼 baby_symbol
🚾 water_closet
🛂 passport_control
🛃 customs
🛄 baggage_claim
🛅 left_luggage
⚠ warning
🚸 children_crossing
⛔ no_entry
🚫 prohibited
🚳 no_bicycles
🚭 no_smoking
🚯 no_littering
🚱 non-potable_water
🚷 no_pedestrians
📵 no_mobile_phones
🔞 no_one_under_eighteen
☢ radioactive
☣ biohazard
⬆ up_arrow
↗ up-right_arrow
➡ right_arrow
↘ down-right_arrow
⬇ down_arrow
↙ down-left_arrow
⬅ left_arrow
↖ up-left_arrow
↕ up-down_arrow
↔ left-right_arrow
↩ right_arrow_curving_left
↪ left_arrow_curving_right
⤴ right_arrow_curving_up
⤵ right_arrow_curving_down
🔃 clockwise_vertical_arrows
🔄 counterclockwise_arrows_button
🔙 BACK_arrow
🔚 END_arrow
🔛 ON!_arrow
🔜 SOON_arrow
🔝 TOP_arrow
🛐 place_of_worship
⚛ atom_symbol
🕉 om
✡ star_of_David
☸ wheel_of_dharma
☯ yin_yang
✝ latin_cross
☦ orthodox_cross
☪ star_and_crescent
☮ peace_symbol
🕎 menorah
🔯 dotted_six-pointed_star
♈ Aries
♉ Taurus
♊ Gemini
♋ Cancer
♌ Leo
♍ Virgo
♎ Libra
♏ Scorpio
♐ Sagittarius
♑ Capricorn
♒ Aquarius
♓ Pisces
⛎ Ophiuchus
🔀 shuffle_tracks_button
🔁 repeat_button
🔂 repeat_single_button
▶ play_button
⏩ fast-forward_button
⏭ next_track_button
⏯ play_or_pause_button
◀ reverse_button
⏪ fast_reverse_button
⏮ last_track_button
🔼 upwards_button
⏫ fast_up_button
🔽 downwards_button
⏬ fast_down_button
⏸ pause_button
⏹ stop_button
⏺ record_button
⏏ eject_button
🎦 cinema
🔅 dim_button
🔆 bright_button
📶 antenna_bars
📳 vibration_mode
📴 mobile_phone_off
♀ female_sign
♂ male_sign
⚧ transgender_symbol
✖ multiply
➕ plus
➖ minus
➗ divide
🟰 heavy_equals_sign
♾ infinity
‼ double_exclamation_mark
⁉ exclamation_question_mark
❓ red_question_mark
❔ white_question_mark
❕ white_exclamation_mark
❗ red_exclamation_mark
〰 wavy_dash
💱 currency_exchange
💲 heavy_dollar_sign
⚕ medical_symbol
♻ recycling_symbol
⚜ fleur-de-lis
🔱 trident_emblem
📛 name_badge
🔰 Japanese_symbol_for_beginner
⭕ hollow_red_circle
✅ check_mark_button
☑ check_box_with_check
✔ check_mark
❌ cross_mark
❎ cross_mark_button
➰ curly_loop
➿ double_curly_loop
〽 part_alternation_mark
✳ eight-spoked_asterisk
✴ eight-pointed_star
❇ sparkle
© copyright
® registered
™ trade_mark
#⃣ keycap_#
*⃣ keycap_*
0⃣ keycap_0
1⃣ keycap_1
2⃣ keycap_2
3⃣ keycap_3
4⃣ keycap_4
5⃣ keycap_5
6⃣ keycap_6
7⃣ keycap_7
8⃣ keycap_8
9⃣ keycap_9
🔟 keycap_10
🔠 input_latin_uppercase
🔡 input_latin_lowercase
🔢 input_numbers
🔣 input_symbols
🔤 input_latin_letters
🅰 A_button_(blood_type)
🆎 AB_button_(blood_type)
🅱 B_button_(blood_type)
🆑 CL_button
🆒 COOL_button
🆓 FREE_button
ℹ information
🆔 ID_button
Ⓜ circled_M
🆕 NEW_button
🆖 NG_button
🅾 O_button_(blood_type)
🆗 OK_button
🅿 P_button
🆘 SOS_button
🆙 UP!_button
🆚 VS_button
🈁 Japanese_here_button
🈂 Japanese_service_charge_button
🈷 Japanese_monthly_amount_button
🈶 Japanese_not_free_of_charge_button
🈯 Japanese_reserved_button
🉐 Japanese_bargain_button
🈹 Japanese_discount_button
🈚 Japanese_free_of_charge_button
🈲 Japanese_prohibited_button
🉑 Japanese_acceptable_button
🈸 Japanese_application_button
🈴 Japanese_passing_grade_button
🈳 Japanese_vacancy_button
㊗ Japanese_congratulations_button
㊙ Japanese_secret_button
🈺 Japanese_open_for_business_button
🈵 Japanese_no_vacancy_button
🔴 red_circle
🟠 orange_circle
🟡 yellow_circle
🟢 green_circle
🔵 blue_circle
🟣 purple_circle
🟤 brown_circle
⚫ black_circle
⚪ white_circle
🟥 red_square
🟧 orange_square
🟨 yellow_square
🟩 green_square
🟦 blue_square
🟪 purple_square
🟫 brown_square
⬛ black_large_square
⬜ white_large_square
◼ black_medium_square
◻ white_medium_square
◾ black_medium-small_square
◽ white_medium-small_square
▪ black_small_square
▫ white_small_square
🔶 large_orange_diamond
🔷 large_blue_diamond
🔸 small_orange_diamond
🔹 small_blue_diamond
🔺 red_triangle_pointed_up
🔻 red_triangle_pointed_down
💠 diamond_with_a_dot
🔘 radio_button
🔳 white_square_button
🔲 black_square_button
🏁 chequered_flag
🚩 triangular_flag
🎌 crossed_flags
🏴 black_flag
🏳 white_flag
🏳‍🌈 rainbow_flag
🏳‍⚧ transgender_flag
🏴‍☠ pirate_flag
🇦🇨 Ascension_Island
🇦🇩 Andorra
🇦🇪 United_Arab_Emirates
🇦🇫 Afghanistan
🇦🇬 Antigua_&_Barbuda
🇦🇮 Anguilla
🇦🇱 Albania
🇦🇲 Armenia
🇦🇴 Angola
🇦🇶 Antarctica
🇦🇷 Argentina
🇦🇸 American_Samoa
🇦🇹 Austria
🇦🇺 Australia
🇦🇼 Aruba
🇦🇽 Åland_Islands
🇦🇿 Azerbaijan
🇧🇦 Bosnia_&_Herzegovina
🇧🇧 Barbados
🇧🇩 Bangladesh
🇧🇪 Belgium
🇧🇫 Burkina_Faso
🇧🇬 Bulgaria
🇧🇭 Bahrain
🇧🇮 Burundi
🇧🇯 Benin
🇧🇱 St._Barthélemy
🇧🇲 Bermuda
🇧🇳 Brunei
🇧🇴 Bolivia
🇧🇶 Caribbean_Netherlands
🇧🇷 Brazil
🇧🇸 Bahamas
🇧🇹 Bhutan
🇧🇻 Bouvet_Island
🇧🇼 Botswana
🇧🇾 Belarus
🇧🇿 Belize
🇨🇦 Canada
🇨🇨 Cocos_(Keeling)_Islands
🇨🇩 Congo_-_Kinshasa
🇨🇫 Central_African_Republic
🇨🇬 Congo_-_Brazzaville
🇨🇭 Switzerland
🇨🇮 Côte_d’Ivoire
🇨🇰 Cook_Islands
🇨🇱 Chile
🇨🇲 Cameroon
🇨🇳 China
🇨🇴 Colombia
🇨🇵 Clipperton_Island
🇨🇷 Costa_Rica
🇨🇺 Cuba
🇨🇻 Cape_Verde
🇨🇼 Curaçao
🇨🇽 Christmas_Island
🇨🇾 Cyprus
🇨🇿 Czechia
🇩🇪 Germany
🇩🇬 Diego_Garcia
🇩🇯 Djibouti
🇩🇰 Denmark
🇩🇲 Dominica
🇩🇴 Dominican_Republic
🇩🇿 Algeria
🇪🇦 Ceuta_&_Melilla
🇪🇨 Ecuador
🇪🇪 Estonia
🇪🇬 Egypt
🇪🇭 Western_Sahara
🇪🇷 Eritrea
🇪🇸 Spain
🇪🇹 Ethiopia
🇪🇺 European_Union
🇫🇮 Finland
🇫🇯 Fiji
🇫🇰 Falkland_Islands
🇫🇲 Micronesia
🇫🇴 Faroe_Islands
🇫🇷 France
🇬🇦 Gabon
🇬🇧 United_Kingdom
🇬🇩 Grenada
🇬🇪 Georgia
🇬🇫 French_Guiana
🇬🇬 Guernsey
🇬🇭 Ghana
🇬🇮 Gibraltar
🇬🇱 Greenland
🇬🇲 Gambia
🇬🇳 Guinea
🇬🇵 Guadeloupe
🇬🇶 Equatorial_Guinea
🇬🇷 Greece
🇬🇸 South_Georgia_&_South_Sandwich_Islands
🇬🇹 Guatemala
🇬🇺 Guam
🇬🇼 Guinea-Bissau
🇬🇾 Guyana
🇭🇰 Hong_Kong_SAR_China
🇭🇲 Heard_&_McDonald_Islands
🇭🇳 Honduras
🇭🇷 Croatia
🇭🇹 Haiti
🇭🇺 Hungary
🇮🇨 Canary_Islands
🇮🇩 Indonesia
🇮🇪 Ireland
🇮🇱 Israel
🇮🇲 Isle_of_Man
🇮🇳 India
🇮🇴 British_Indian_Ocean_Territory
🇮🇶 Iraq
🇮🇷 Iran
🇮🇸 Iceland
🇮🇹 Italy
🇯🇪 Jersey
🇯🇲 Jamaica
🇯🇴 Jordan
🇯🇵 Japan
🇰🇪 Kenya
🇰🇬 Kyrgyzstan
🇰🇭 Cambodia
🇰🇮 Kiribati
🇰🇲 Comoros
🇰🇳 St._Kitts_&_Nevis
🇰🇵 North_Korea
🇰🇷 South_Korea
🇰🇼 Kuwait
🇰🇾 Cayman_Islands
🇰🇿 Kazakhstan
🇱🇦 Laos
🇱🇧 Lebanon
🇱🇨 St._Lucia
🇱🇮 Liechtenstein
🇱🇰 Sri_Lanka
🇱🇷 Liberia
🇱🇸 Lesotho
🇱🇹 Lithuania
🇱🇺 Luxembourg
🇱🇻 Latvia
🇱🇾 Libya
🇲🇦 Morocco
🇲🇨 Monaco
🇲🇩 Moldova
🇲🇪 Montenegro
🇲🇫 St._Martin
🇲🇬 Madagascar
🇲🇭 Marshall_Islands
🇲🇰 North_Macedonia
🇲🇱 Mali
🇲🇲 Myanmar_(Burma)
🇲🇳 Mongolia
🇲🇴 Macao_SAR_China
🇲🇵 Northern_Mariana_Islands
🇲🇶 Martinique
🇲🇷 Mauritania
🇲🇸 Montserrat
🇲🇹 Malta
🇲🇺 Mauritius
🇲🇻 Maldives
🇲🇼 Malawi
🇲🇽 Mexico
🇲🇾 Malaysia
🇲🇿 Mozambique
🇳🇦 Namibia
🇳🇨 New_Caledonia
🇳🇪 Niger
🇳🇫 Norfolk_Island
🇳🇬 Nigeria
🇳🇮 Nicaragua
🇳🇱 Netherlands
🇳🇴 Norway
🇳🇵 Nepal
🇳🇷 Nauru
🇳🇺 Niue
🇳🇿 New_Zealand
🇴🇲 Oman
🇵🇦 Panama
🇵🇪 Peru
🇵🇫 French_Polynesia
🇵🇬 Papua_New_Guinea
🇵🇭 Philippines
🇵🇰 Pakistan
🇵🇱 Poland
🇵🇲 St._Pierre_&_Miquelon
🇵🇳 Pitcairn_Islands
🇵🇷 Puerto_Rico
🇵🇸 Palestinian_Territories
🇵🇹 Portugal
🇵🇼 Palau
🇵🇾 Paraguay
🇶🇦 Qatar
🇷🇪 Réunion
🇷🇴 Romania
🇷🇸 Serbia
🇷🇺 Russia
🇷🇼 Rwanda
🇸🇦 Saudi_Arabia
🇸🇧 Solomon_Islands
🇸🇨 Seychelles
🇸🇩 Sudan
🇸🇪 Sweden
🇸🇬 Singapore
🇸🇭 St._Helena
🇸🇮 Slovenia
🇸🇯 Svalbard_&_Jan_Mayen
🇸🇰 Slovakia
🇸🇱 Sierra_Leone
🇸🇲 San_Marino
🇸🇳 Senegal
🇸🇴 Somalia
🇸🇷 Suriname
🇸🇸 South_Sudan
🇸🇹 São_Tomé_&_Príncipe
🇸🇻 El_Salvador
🇸🇽 Sint_Maarten
🇸🇾 Syria
🇸🇿 Eswatini
🇹🇦 Tristan_da_Cunha
🇹🇨 Turks_&_Caicos_Islands
🇹🇩 Chad
🇹🇫 French_Southern_Territories
🇹🇬 Togo
🇹🇭 Thailand
🇹🇯 Tajikistan
🇹🇰 Tokelau
🇹🇱 Timor-Leste
🇹🇲 Turkmenistan
🇹🇳 Tunisia
🇹🇴 Tonga
🇹🇷 Turkey
🇹🇹 Trinidad_&_Tobago
🇹🇻 Tuvalu
🇹🇼 Taiwan
🇹🇿 Tanzania
🇺🇦 Ukraine
🇺🇬 Uganda
🇺🇲 U.S._Outlying_Islands
🇺🇳 United_Nations
🇺🇸 United_States
🇺🇾 Uruguay
🇺🇿 Uzbekistan
🇻🇦 Vatican_City
🇻🇨 St._Vincent_&_Grenadines
🇻🇪 Venezuela
🇻🇬 British_Virgin_Islands
🇻🇮 U.S._Virgin_Islands
🇻🇳 Vietnam
🇻🇺 Vanuatu
🇼🇫 Wallis_&_Futuna
🇼🇸 Samoa
🇽🇰 Kosovo
🇾🇪 Yemen
🇾🇹 Mayotte
🇿🇦 South_Africa
🇿🇲 Zambia
🇿🇼 Zimbabwe
🏴󠁧󠁢󠁥󠁮󠁧󠁿 England
🏴󠁧󠁢󠁳󠁣󠁴󠁿 Scotland
🏴󠁧󠁢󠁷󠁬󠁳󠁿 Wales
🫱🏻‍🫲🏼 handshake_light_skin_tone_medium-light_skin_tone
🫱🏻‍🫲🏽 handshake_light_skin_tone_medium_skin_tone
🫱🏻‍🫲🏾 handshake_light_skin_tone_medium-dark_skin_tone
🫱🏻‍🫲🏿 handshake_light_skin_tone_dark_skin_tone
🫱🏼‍🫲🏻 handshake_medium-light_skin_tone_light_skin_tone
🫱🏼‍🫲🏽 handshake_medium-light_skin_tone_medium_skin_tone
🫱🏼‍🫲🏾 handshake_medium-light_skin_tone_medium-dark_skin_tone
🫱🏼‍🫲🏿 handshake_medium-light_skin_tone_dark_skin_tone
🫱🏽‍🫲🏻 handshake_medium_skin_tone_light_skin_tone
🫱🏽‍🫲🏼 handshake_medium_skin_tone_medium-light_skin_tone
🫱🏽‍🫲🏾 handshake_medium_skin_tone_medium-dark_skin_tone
🫱🏽‍🫲🏿 handshake_medium_skin_tone_dark_skin_tone
🫱🏾‍🫲🏻 handshake_medium-dark_skin_tone_light_skin_tone
🫱🏾‍🫲🏼 handshake_medium-dark_skin_tone_medium-light_skin_tone
🫱🏾‍🫲🏽 handshake_medium-dark_skin_tone_medium_skin_tone
🫱🏾‍🫲🏿 handshake_medium-dark_skin_tone_dark_skin_tone
🫱🏿‍🫲🏻 handshake_dark_skin_tone_light_skin_tone
🫱🏿‍🫲🏼 handshake_dark_skin_tone_medium-light_skin_tone
🫱🏿‍🫲🏽 handshake_dark_skin_tone_medium_skin_tone
🫱🏿‍🫲🏾 handshake_dark_skin_tone_medium-dark_skin_tone
👱🏻 person_light_skin_tone_blond_hair
👱🏼 person_medium-light_skin_tone_blond_hair
👱🏽 person_medium_skin_tone_blond_hair
👱🏾 person_medium-dark_skin_tone_blond_hair
👱🏿 person_dark_skin_tone_blond_hair
🧔🏻 person_light_skin_tone_beard
🧔🏼 person_medium-light_skin_tone_beard
🧔🏽 person_medium_skin_tone_beard
🧔🏾 person_medium-dark_skin_tone_beard
🧔🏿 person_dark_skin_tone_beard
🧔🏻‍♂ man_light_skin_tone_beard
🧔🏼‍♂ man_medium-light_skin_tone_beard
🧔🏽‍♂ man_medium_skin_tone_beard
🧔🏾‍♂ man_medium-dark_skin_tone_beard
🧔🏿‍♂ man_dark_skin_tone_beard
🧔🏻‍♀ woman_light_skin_tone_beard
🧔🏼‍♀ woman_medium-light_skin_tone_beard
🧔🏽‍♀ woman_medium_skin_tone_beard
🧔🏾‍♀ woman_medium-dark_skin_tone_beard
🧔🏿‍♀ woman_dark_skin_tone_beard
👨🏻‍🦰 man_light_skin_tone_red_hair
👨🏼‍🦰 man_medium-light_skin_tone_red_hair
👨🏽‍🦰 man_medium_skin_tone_red_hair
👨🏾‍🦰 man_medium-dark_skin_tone_red_hair
👨🏿‍🦰 man_dark_skin_tone_red_hair
👨🏻‍🦱 man_light_skin_tone_curly_hair
👨🏼‍🦱 man_medium-light_skin_tone_curly_hair
👨🏽‍🦱 man_medium_skin_tone_curly_hair
👨🏾‍🦱 man_medium-dark_skin_tone_curly_hair
👨🏿‍🦱 man_dark_skin_tone_curly_hair
👨🏻‍🦳 man_light_skin_tone_white_hair
👨🏼‍🦳 man_medium-light_skin_tone_white_hair
👨🏽‍🦳 man_medium_skin_tone_white_hair
👨🏾‍🦳 man_medium-dark_skin_tone_white_hair
👨🏿‍🦳 man_dark_skin_tone_white_hair
👨🏻‍🦲 man_light_skin_tone_bald
👨🏼‍🦲 man_medium-light_skin_tone_bald
👨🏽‍🦲 man_medium_skin_tone_bald
👨🏾‍🦲 man_medium-dark_skin_tone_bald
👨🏿‍🦲 man_dark_skin_tone_bald
👩🏻‍🦰 woman_light_skin_tone_red_hair
👩🏼‍🦰 woman_medium-light_skin_tone_red_hair
👩🏽‍🦰 woman_medium_skin_tone_red_hair
👩🏾‍🦰 woman_medium-dark_skin_tone_red_hair
👩🏿‍🦰 woman_dark_skin_tone_red_hair
🧑🏻‍🦰 person_light_skin_tone_red_hair
🧑🏼‍🦰 person_medium-light_skin_tone_red_hair
🧑🏽‍🦰 person_medium_skin_tone_red_hair
🧑🏾‍🦰 person_medium-dark_skin_tone_red_hair
🧑🏿‍🦰 person_dark_skin_tone_red_hair
👩🏻‍🦱 woman_light_skin_tone_curly_hair
👩🏼‍🦱 woman_medium-light_skin_tone_curly_hair
👩🏽‍🦱 woman_medium_skin_tone_curly_hair
👩🏾‍🦱 woman_medium-dark_skin_tone_curly_hair
👩🏿‍🦱 woman_dark_skin_tone_curly_hair
🧑🏻‍🦱 person_light_skin_tone_curly_hair
🧑🏼‍🦱 person_medium-light_skin_tone_curly_hair
🧑🏽‍🦱 person_medium_skin_tone_curly_hair
🧑🏾‍🦱 person_medium-dark_skin_tone_curly_hair
🧑🏿‍🦱 person_dark_skin_tone_curly_hair
👩🏻‍🦳 woman_light_skin_tone_white_hair
👩🏼‍🦳 woman_medium-light_skin_tone_white_hair
👩🏽‍🦳 woman_medium_skin_tone_white_hair
👩🏾‍🦳 woman_medium-dark_skin_tone_white_hair
👩🏿‍🦳 woman_dark_skin_tone_white_hair
🧑🏻‍🦳 person_light_skin_tone_white_hair
🧑🏼‍🦳 person_medium-light_skin_tone_white_hair
🧑🏽‍🦳 person_medium_skin_tone_white_hair
🧑🏾‍🦳 person_medium-dark_skin_tone_white_hair
🧑🏿‍🦳 person_dark_skin_tone_white_hair
👩🏻‍🦲 woman_light_skin_tone_bald
👩🏼‍🦲 woman_medium-light_skin_tone_bald
👩🏽‍🦲 woman_medium_skin_tone_bald
👩🏾‍🦲 woman_medium-dark_skin_tone_bald
👩🏿‍🦲 woman_dark_skin_tone_bald
🧑🏻‍🦲 person_light_skin_tone_bald
🧑🏼‍🦲 person_medium-light_skin_tone_bald
🧑🏽‍🦲 person_medium_skin_tone_bald
🧑🏾‍🦲 person_medium-dark_skin_tone_bald
🧑🏿‍🦲 person_dark_skin_tone_bald
👱🏻‍♀ woman_light_skin_tone_blond_hair
👱🏼‍♀ woman_medium-light_skin_tone_blond_hair
👱🏽‍♀ woman_medium_skin_tone_blond_hair
👱🏾‍♀ woman_medium-dark_skin_tone_blond_hair
👱🏿‍♀ woman_dark_skin_tone_blond_hair
👱🏻‍♂ man_light_skin_tone_blond_hair
👱🏼‍♂ man_medium-light_skin_tone_blond_hair
👱🏽‍♂ man_medium_skin_tone_blond_hair
👱🏾‍♂ man_medium-dark_skin_tone_blond_hair
👱🏿‍♂ man_dark_skin_tone_blond_hair
🧑🏻‍🤝‍🧑🏻 people_holding_hands_light_skin_tone
🧑🏼‍🤝‍🧑🏼 people_holding_hands_medium-light_skin_tone
🧑🏽‍🤝‍🧑🏽 people_holding_hands_medium_skin_tone
🧑🏾‍🤝‍🧑🏾 people_holding_hands_medium-dark_skin_tone
🧑🏿‍🤝‍🧑🏿 people_holding_hands_dark_skin_tone
👩🏻‍🤝‍👩🏼 women_holding_hands_light_skin_tone_medium-light_skin_tone
👩🏻‍🤝‍👩🏽 women_holding_hands_light_skin_tone_medium_skin_tone
👩🏻‍🤝‍👩🏾 women_holding_hands_light_skin_tone_medium-dark_skin_tone
👩🏻‍🤝‍👩🏿 women_holding_hands_light_skin_tone_dark_skin_tone
👩🏼‍🤝‍👩🏻 women_holding_hands_medium-light_skin_tone_light_skin_tone
👩🏼‍🤝‍👩🏽 women_holding_hands_medium-light_skin_tone_medium_skin_tone
👩🏼‍🤝‍👩🏾 women_holding_hands_medium-light_skin_tone_medium-dark_skin_tone
👩🏼‍🤝‍👩🏿 women_holding_hands_medium-light_skin_tone_dark_skin_tone
👩🏽‍🤝‍👩🏻 women_holding_hands_medium_skin_tone_light_skin_tone
👩🏽‍🤝‍👩🏼 women_holding_hands_medium_skin_tone_medium-light_skin_tone
👩🏽‍🤝‍👩🏾 women_holding_hands_medium_skin_tone_medium-dark_skin_tone
👩🏽‍🤝‍👩🏿 women_holding_hands_medium_skin_tone_dark_skin_tone
👩🏾‍🤝‍👩🏻 women_holding_hands_medium-dark_skin_tone_light_skin_tone
👩🏾‍🤝‍👩🏼 women_holding_hands_medium-dark_skin_tone_medium-light_skin_tone
👩🏾‍🤝‍👩🏽 women_holding_hands_medium-dark_skin_tone_medium_skin_tone
👩🏾‍🤝‍👩🏿 women_holding_hands_medium-dark_skin_tone_dark_skin_tone
👩🏿‍🤝‍👩🏻 women_holding_hands_dark_skin_tone_light_skin_tone
👩🏿‍🤝‍👩🏼 women_holding_hands_dark_skin_tone_medium-light_skin_tone
👩🏿‍🤝‍👩🏽 women_holding_hands_dark_skin_tone_medium_skin_tone
👩🏿‍🤝‍👩🏾 women_holding_hands_dark_skin_tone_medium-dark_skin_tone
👩🏻‍🤝‍👨🏼 woman_and_man_holding_hands_light_skin_tone_medium-light_skin_tone
👩🏻‍🤝‍👨🏽 woman_and_man_holding_hands_light_skin_tone_medium_skin_tone
👩🏻‍🤝‍👨🏾 woman_and_man_holding_hands_light_skin_tone_medium-dark_skin_tone
👩🏻‍🤝‍👨🏿 woman_and_man_holding_hands_light_skin_tone_dark_skin_tone
👩🏼‍🤝‍👨🏻 woman_and_man_holding_hands_medium-light_skin_tone_light_skin_tone
👩🏼‍🤝‍👨🏽 woman_and_man_holding_hands_medium-light_skin_tone_medium_skin_tone
👩🏼‍🤝‍👨🏾 woman_and_man_holding_hands_medium-light_skin_tone_medium-dark_skin_tone
👩🏼‍🤝‍👨🏿 woman_and_man_holding_hands_medium-light_skin_tone_dark_skin_tone
👩🏽‍🤝‍👨🏻 woman_and_man_holding_hands_medium_skin_tone_light_skin_tone
👩🏽‍🤝‍👨🏼 woman_and_man_holding_hands_medium_skin_tone_medium-light_skin_tone
👩🏽‍🤝‍👨🏾 woman_and_man_holding_hands_medium_skin_tone_medium-dark_skin_tone
👩🏽‍🤝‍👨🏿 woman_and_man_holding_hands_medium_skin_tone_dark_skin_tone
👩🏾‍🤝‍👨🏻 woman_and_man_holding_hands_medium-dark_skin_tone_light_skin_tone
👩🏾‍🤝‍👨🏼 woman_and_man_holding_hands_medium-dark_skin_tone_medium-light_skin_tone
👩🏾‍🤝‍👨🏽 woman_and_man_holding_hands_medium-dark_skin_tone_medium_skin_tone
👩🏾‍🤝‍👨🏿 woman_and_man_holding_hands_medium-dark_skin_tone_dark_skin_tone
👩🏿‍🤝‍👨🏻 woman_and_man_holding_hands_dark_skin_tone_light_skin_tone
👩🏿‍🤝‍👨🏼 woman_and_man_holding_hands_dark_skin_tone_medium-light_skin_tone
👩🏿‍🤝‍👨🏽 woman_and_man_holding_hands_dark_skin_tone_medium_skin_tone
👩🏿‍🤝‍👨🏾 woman_and_man_holding_hands_dark_skin_tone_medium-dark_skin_tone
👨🏻‍🤝‍👨🏼 men_holding_hands_light_skin_tone_medium-light_skin_tone
👨🏻‍🤝‍👨🏽 men_holding_hands_light_skin_tone_medium_skin_tone
👨🏻‍🤝‍👨🏾 men_holding_hands_light_skin_tone_medium-dark_skin_tone
👨🏻‍🤝‍👨🏿 men_holding_hands_light_skin_tone_dark_skin_tone
👨🏼‍🤝‍👨🏻 men_holding_hands_medium-light_skin_tone_light_skin_tone
👨🏼‍🤝‍👨🏽 men_holding_hands_medium-light_skin_tone_medium_skin_tone
👨🏼‍🤝‍👨🏾 men_holding_hands_medium-light_skin_tone_medium-dark_skin_tone
👨🏼‍🤝‍👨🏿 men_holding_hands_medium-light_skin_tone_dark_skin_tone
👨🏽‍🤝‍👨🏻 men_holding_hands_medium_skin_tone_light_skin_tone
👨🏽‍🤝‍👨🏼 men_holding_hands_medium_skin_tone_medium-light_skin_tone
👨🏽‍🤝‍👨🏾 men_holding_hands_medium_skin_tone_medium-dark_skin_tone
👨🏽‍🤝‍👨🏿 men_holding_hands_medium_skin_tone_dark_skin_tone
👨🏾‍🤝‍👨🏻 men_holding_hands_medium-dark_skin_tone_light_skin_tone
👨🏾‍🤝‍👨🏼 men_holding_hands_medium-dark_skin_tone_medium-light_skin_tone
👨🏾‍🤝‍👨🏽 men_holding_hands_medium-dark_skin_tone_medium_skin_tone
👨🏾‍🤝‍👨🏿 men_holding_hands_medium-dark_skin_tone_dark_skin_tone
👨🏿‍🤝‍👨🏻 men_holding_hands_dark_skin_tone_light_skin_tone
👨🏿‍🤝‍👨🏼 men_holding_hands_dark_skin_tone_medium-light_skin_tone
👨🏿‍🤝‍👨🏽 men_holding_hands_dark_skin_tone_medium_skin_tone
👨🏿‍🤝‍👨🏾 men_holding_hands_dark_skin_tone_medium-dark_skin_tone
🧑🏻‍❤‍💋‍🧑🏼 kiss_person_person_light_skin_tone_medium-light_skin_tone
🧑🏻‍❤‍💋‍🧑🏽 kiss_person_person_light_skin_tone_medium_skin_tone
🧑🏻‍❤‍💋‍🧑🏾 kiss_person_person_light_skin_tone_medium-dark_skin_tone
🧑🏻‍❤‍💋‍🧑🏿 kiss_person_person_light_skin_tone_dark_skin_tone
🧑🏼‍❤‍💋‍🧑🏻 kiss_person_person_medium-light_skin_tone_light_skin_tone
🧑🏼‍❤‍💋‍🧑🏽 kiss_person_person_medium-light_skin_tone_medium_skin_tone
🧑🏼‍❤‍💋‍🧑🏾 kiss_person_person_medium-light_skin_tone_medium-dark_skin_tone
🧑🏼‍❤‍💋‍🧑🏿 kiss_person_person_medium-light_skin_tone_dark_skin_tone
🧑🏽‍❤‍💋‍🧑🏻 kiss_person_person_medium_skin_tone_light_skin_tone
🧑🏽‍❤‍💋‍🧑🏼 kiss_person_person_medium_skin_tone_medium-light_skin_tone
🧑🏽‍❤‍💋‍🧑🏾 kiss_person_person_medium_skin_tone_medium-dark_skin_tone
🧑🏽‍❤‍💋‍🧑🏿 kiss_person_person_medium_skin_tone_dark_skin_tone
🧑🏾‍❤‍💋‍🧑🏻 kiss_person_person_medium-dark_skin_tone_light_skin_tone
🧑🏾‍❤‍💋‍🧑🏼 kiss_person_person_medium-dark_skin_tone_medium-light_skin_tone
🧑🏾‍❤‍💋‍🧑🏽 kiss_person_person_medium-dark_skin_tone_medium_skin_tone
🧑🏾‍❤‍💋‍🧑🏿 kiss_person_person_medium-dark_skin_tone_dark_skin_tone
🧑🏿‍❤‍💋‍🧑🏻 kiss_person_person_dark_skin_tone_light_skin_tone
🧑🏿‍❤‍💋‍🧑🏼 kiss_person_person_dark_skin_tone_medium-light_skin_tone
🧑🏿‍❤‍💋‍🧑🏽 kiss_person_person_dark_skin_tone_medium_skin_tone
🧑🏿‍❤‍💋‍🧑🏾 kiss_person_person_dark_skin_tone_medium-dark_skin_tone
👩🏻‍❤‍💋‍👨🏻 kiss_woman_man_light_skin_tone
👩🏼‍❤‍💋‍👨🏼 kiss_woman_man_medium-light_skin_tone
👩🏽‍❤‍💋‍👨🏽 kiss_woman_man_medium_skin_tone
👩🏾‍❤‍💋‍👨🏾 kiss_woman_man_medium-dark_skin_tone
👩🏿‍❤‍💋‍👨🏿 kiss_woman_man_dark_skin_tone
👨🏻‍❤‍💋‍👨🏻 kiss_man_man_light_skin_tone
👨🏼‍❤‍💋‍👨🏼 kiss_man_man_medium-light_skin_tone
👨🏽‍❤‍💋‍👨🏽 kiss_man_man_medium_skin_tone
👨🏾‍❤‍💋‍👨🏾 kiss_man_man_medium-dark_skin_tone
👨🏿‍❤‍💋‍👨🏿 kiss_man_man_dark_skin_tone
👩🏻‍❤‍💋‍👩🏻 kiss_woman_woman_light_skin_tone
👩🏼‍❤‍💋‍👩🏼 kiss_woman_woman_medium-light_skin_tone
👩🏽‍❤‍💋‍👩🏽 kiss_woman_woman_medium_skin_tone
👩🏾‍❤‍💋‍👩🏾 kiss_woman_woman_medium-dark_skin_tone
👩🏿‍❤‍💋‍👩🏿 kiss_woman_woman_dark_skin_tone
🧑🏻‍❤‍🧑🏼 couple_with_heart_person_person_light_skin_tone_medium-light_skin_tone
🧑🏻‍❤‍🧑🏽 couple_with_heart_person_person_light_skin_tone_medium_skin_tone
🧑🏻‍❤‍🧑🏾 couple_with_heart_person_person_light_skin_tone_medium-dark_skin_tone
🧑🏻‍❤‍🧑🏿 couple_with_heart_person_person_light_skin_tone_dark_skin_tone
🧑🏼‍❤‍🧑🏻 couple_with_heart_person_person_medium-light_skin_tone_light_skin_tone
🧑🏼‍❤‍🧑🏽 couple_with_heart_person_person_medium-light_skin_tone_medium_skin_tone
🧑🏼‍❤‍🧑🏾 couple_with_heart_person_person_medium-light_skin_tone_medium-dark_skin_tone
🧑🏼‍❤‍🧑🏿 couple_with_heart_person_person_medium-light_skin_tone_dark_skin_tone
🧑🏽‍❤‍🧑🏻 couple_with_heart_person_person_medium_skin_tone_light_skin_tone
🧑🏽‍❤‍🧑🏼 couple_with_heart_person_person_medium_skin_tone_medium-light_skin_tone
🧑🏽‍❤‍🧑🏾 couple_with_heart_person_person_medium_skin_tone_medium-dark_skin_tone
🧑🏽‍❤‍🧑🏿 couple_with_heart_person_person_medium_skin_tone_dark_skin_tone
🧑🏾‍❤‍🧑🏻 couple_with_heart_person_person_medium-dark_skin_tone_light_skin_tone
🧑🏾‍❤‍🧑🏼 couple_with_heart_person_person_medium-dark_skin_tone_medium-light_skin_tone
🧑🏾‍❤‍🧑🏽 couple_with_heart_person_person_medium-dark_skin_tone_medium_skin_tone
🧑🏾‍❤‍🧑🏿 couple_with_heart_person_person_medium-dark_skin_tone_dark_skin_tone
🧑🏿‍❤‍🧑🏻 couple_with_heart_person_person_dark_skin_tone_light_skin_tone
🧑🏿‍❤‍🧑🏼 couple_with_heart_person_person_dark_skin_tone_medium-light_skin_tone
🧑🏿‍❤‍🧑🏽 couple_with_heart_person_person_dark_skin_tone_medium_skin_tone
🧑🏿‍❤‍🧑🏾 couple_with_heart_person_person_dark_skin_tone_medium-dark_skin_tone
👩🏻‍❤‍👨🏻 couple_with_heart_woman_man_light_skin_tone
👩🏼‍❤‍👨🏼 couple_with_heart_woman_man_medium-light_skin_tone
👩🏽‍❤‍👨🏽 couple_with_heart_woman_man_medium_skin_tone
👩🏾‍❤‍👨🏾 couple_with_heart_woman_man_medium-dark_skin_tone
👩🏿‍❤‍👨🏿 couple_with_heart_woman_man_dark_skin_tone
👨🏻‍❤‍👨🏻 couple_with_heart_man_man_light_skin_tone
👨🏼‍❤‍👨🏼 couple_with_heart_man_man_medium-light_skin_tone
👨🏽‍❤‍👨🏽 couple_with_heart_man_man_medium_skin_tone
👨🏾‍❤‍👨🏾 couple_with_heart_man_man_medium-dark_skin_tone
👨🏿‍❤‍👨🏿 couple_with_heart_man_man_dark_skin_tone
👩🏻‍❤‍👩🏻 couple_with_heart_woman_woman_light_skin_tone
👩🏼‍❤‍👩🏼 couple_with_heart_woman_woman_medium-light_skin_tone
👩🏽‍❤‍👩🏽 couple_with_heart_woman_woman_medium_skin_tone
👩🏾‍❤‍👩🏾 couple_with_heart_woman_woman_medium-dark_skin_tone
👩🏿‍❤‍👩🏿 couple_with_heart_woman_woman_dark_skin_tone`;
